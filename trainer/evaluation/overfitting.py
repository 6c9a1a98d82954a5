"""How far the discriminator of a run has overfitted: its logits of three sets of images."""

import dataclasses

import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import fake_labels, image_set
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.metrics import overfitting
from dualcontrast.trainer.metrics.estimate import Estimate

METRIC = "overfitting"


@dataclasses.dataclass(frozen=True)
class Judge:
    """The last layers of a discriminator.

    Attributes:
      network: built, in float32.
      batch_size: images whose features were taken at once.
    """

    network: networks.Discriminator
    batch_size: int

    def logits(self, features: np.ndarray, images: ImageSet) -> np.ndarray:
        """Returns the logits of images, [batches, batch] float32.

        Args:
          features: of the first of them, whole batches, as `networks.Discriminator.features`
            returns them, [batches * batch, width] float32.
          images: with labels, where the network takes them.
        """
        labels = images.labels() if self.network.classes and images.labels else None
        found = []
        for first in range(0, len(features), self.batch_size):
            batch = slice(first, first + self.batch_size)
            how = {} if labels is None else {"labels": tf.constant(labels[batch])}
            found.append(self.network.logits_of(tf.constant(features[batch]), **how).numpy())
        return np.stack(found)


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What overfitting is taken from, besides the features of real and generated images.

    Attributes:
      judge: whose features they are.
      train: the images that it learned from.
      validation: logits of images that it has not seen, [batches, batch] float32.
      generated: images of the averaged generator.
      warning: that belongs to the values; empty for none.
    """

    judge: Judge
    train: ImageSet
    validation: np.ndarray
    generated: ImageSet
    warning: str = ""

    def estimates(self, of_train: np.ndarray, of_generated: np.ndarray) -> dict[str, Estimate]:
        """Returns the values by name, of the features of both, [images, width] float32.

        Departs from ADA's program, which judges what it trains with, augmented images: these are
        as they are, so that runs with and without augmentation are measured alike.

        Raises:
          UserError: a logit is not finite.
        """
        found = overfitting.estimate(
            self.judge.logits(of_train, self.train),
            self.validation,
            self.judge.logits(of_generated, self.generated),
        )
        named = {
            "overfitting_r_v": found.r_v,
            "overfitting_r_t": found.r_t,
            "logit_train": found.train,
            "logit_validation": found.validation,
            "logit_generated": found.generated,
        }
        return {name: estimate.warned(self.warning) for name, estimate in named.items()}


def check(
    name: str,
    classes: tuple[str, ...],
    train: ImageSet,
    validation: ImageSet,
    batch_size: int,
) -> None:
    """Checks that a discriminator can judge the images, before any time is spent on them.

    Args:
      name: of the run's checkpoint.
      classes: of the run; none where it has no labels.
      train, validation: the two sets of real images.
      batch_size: of the run.

    Raises:
      UserError: they are the same images, not alike, too few, or lack the run's labels.
    """
    if train.protocol.get("sha256") == validation.protocol.get("sha256"):
        raise UserError(
            f"--validation={validation.name} has the images of --data: expected others of the same"
            " kind, which the run has not seen"
        )
    image_set.check_alike((train.name, train.resolution, train.channels), validation)
    if validation.count < 2 * batch_size:
        raise UserError(
            f"--metrics={METRIC} needs two batches of {batch_size} images, --validation="
            f"{validation.name} has {validation.count}: hold out more"
        )
    for flag, images in (("--data", train), ("--validation", validation)):
        if classes and not images.classes:
            raise UserError(
                f"--metrics={METRIC}: {name} judges images by their class, and {flag}={images.name}"
                " has no labels: convert it with --labels"
            )
        if classes:
            fake_labels.check_classes(name, classes, images)


def warning(train: ImageSet, trained_on: list[str] | None) -> str:
    """Returns what is to be said where the images are not those that the run learned from.

    Args:
      train: taken for them.
      trained_on: sha256 of the shards of the run's images; None where nobody knows.
    """
    if trained_on is None:
        return "the run does not say which images it learned from"
    if train.protocol.get("sha256") == trained_on:
        return ""
    return f"the run did not learn from --data={train.name}"
