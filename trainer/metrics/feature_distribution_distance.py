"""The Frechet distance of a discriminator's own features (FDDF): larger is better separated."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import frechet_distance
from dualcontrast.trainer.metrics.estimate import Estimate
from dualcontrast.trainer.metrics.statistics import Statistics


@dataclasses.dataclass(frozen=True)
class Composition:
    """The batches in which the discriminator saw the images, reals and fakes never in one.

    The standard deviation over a group is one of its features, so a feature depends on the other
    images of the batch, and a distance can be repeated only with the same batches.

    Attributes:
      batch_size: images in a batch.
      group: images in a group of the minibatch standard deviation, 1 where there is none.
      order: how the images were put in order, such as "stored".
    """

    batch_size: int
    group: int
    order: str


@dataclasses.dataclass(frozen=True)
class FeatureDistributionDistance:
    """The distance in two units, and what it depends on.

    Attributes:
      distance: as published; grows with the square of a factor on the features, so that it compares
        networks of one architecture at most.
      scale_free: the distance over the sum of both variances, the same for any factor.
      composition: of the batches.
    """

    distance: Estimate
    scale_free: Estimate
    composition: Composition


def estimate(
    reals: Sequence[Statistics], fakes: Sequence[Statistics], composition: Composition
) -> FeatureDistributionDistance:
    """Returns the Frechet distance between the features of the reals and of the fakes.

    Yu et al. 2021, table 2. The features are the input of the last dense layer, of the
    discriminator that trains (it has no average), for 50,000 images each in the stored order.

    Args:
      reals: of disjoint parts of whole batches: `statistics.deal` with the batch size as `run`.
      fakes: likewise, as many parts.
      composition: recorded in the result.

    Raises:
      UserError: batches that are no whole groups; else see `frechet_distance.estimate`.
    """
    batch, group = composition.batch_size, composition.group
    if min(batch, group) < 1 or batch % group:
        raise UserError(f"batches of {batch} in groups of {group}: expected whole groups")
    distance = frechet_distance.estimate(reals, fakes)
    value, deviation, method = frechet_distance.over_parts(scale_free, reals, fakes)
    relative = dataclasses.replace(distance, value=value, deviation=deviation, method=method)
    return FeatureDistributionDistance(distance, relative, composition)


def scale_free(reals: Statistics, fakes: Statistics) -> float:
    """Returns the Frechet distance over tr(S_r) + tr(S_f).

    Raises:
      UserError: see `frechet_distance.distance`, or features that do not vary.
    """
    variance = np.trace(reals.covariance()) + np.trace(fakes.covariance())
    if variance <= 0:
        raise UserError("the features are the same for all images: there is no scale to divide by")
    return frechet_distance.distance(reals, fakes) / float(variance)
