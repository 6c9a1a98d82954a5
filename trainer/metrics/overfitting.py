"""Overfitting of a discriminator: how far it tells the images that it learned from from others."""

import dataclasses

import numpy as np

from dualcontrast.trainer.metrics import estimate as estimates
from dualcontrast.trainer.metrics import features as tables
from dualcontrast.trainer.metrics.estimate import Estimate

_LEAST_GAP = 1e-8  # ADA's program
_SURE = 2  # Standard errors of the gap, below which it may be none.
_UNSURE = "training images get no larger logits than generated ones: it says nothing"


@dataclasses.dataclass(frozen=True)
class Overfitting:
    """What a discriminator says of three sets of images, and what follows.

    Attributes:
      r_v: 0 where images that it has not seen get the logits of those that it learned from, 1 where
        they get those of generated ones.
      r_t: the share of the training images that it takes for real, less that of the others.
      train, validation, generated: mean logits.
    """

    r_v: Estimate
    r_t: Estimate
    train: Estimate
    validation: Estimate
    generated: Estimate


def estimate(train: np.ndarray, validation: np.ndarray, generated: np.ndarray) -> Overfitting:
    """Returns both heuristics of Karras et al. 2020 (ADA), eq. 1, and what they are made of.

        r_v = (E D(train) - E D(validation)) / max(E D(train) - E D(generated), 1e-8)
        r_t = E sign D(train)

    The images of a batch share a minibatch deviation, so a standard error is that of the batches'
    means. The error of r_v follows from those of the three means, to first order.

    Args:
      train: logits of images that the discriminator learned from, [batches, batch] float32.
      validation: of images of the same kind that it has not seen, likewise.
      generated: of the generator's, likewise.

    Raises:
      UserError: there are fewer than two batches, or a logit is not finite.
    """
    of_train = _mean(train, "logits of training images")
    of_validation = _mean(validation, "logits of validation images")
    of_generated = dataclasses.replace(
        _mean(generated, "logits of generated images"), reals=0, fakes=generated.size
    )
    return Overfitting(
        r_v=_r_v(of_train, of_validation, of_generated),
        r_t=_mean(np.sign(train), "signs of the logits of training images"),
        train=of_train,
        validation=of_validation,
        generated=of_generated,
    )


def _mean(logits: np.ndarray, name: str) -> Estimate:
    means = tables.checked(logits, name, least=2).mean(axis=1, dtype=np.float64)
    return Estimate(
        value=float(means.mean()),
        deviation=estimates.standard_error(means),
        method=f"mean of {name}; standard error over {len(means)} batches of {logits.shape[1]}",
        reals=logits.size,
    )


def _r_v(train: Estimate, validation: Estimate, generated: Estimate) -> Estimate:
    gap, seen = train.value - generated.value, train.value - validation.value
    t, v, g = (float(part.deviation or 0.0) for part in (train, validation, generated))
    deviation = None
    if gap > _LEAST_GAP:
        # The derivatives of (T - V) / (T - G) by T, V and G.
        deviation = float(np.linalg.norm([(gap - seen) / gap**2 * t, v / gap, seen / gap**2 * g]))
    unsure = gap <= max(_LEAST_GAP, _SURE * np.hypot(t, g))
    return Estimate(
        value=seen / max(gap, _LEAST_GAP),
        deviation=deviation,
        method="of three mean logits; standard error from theirs, to first order",
        reals=train.reals + validation.reals,
        fakes=generated.fakes,
        warning=_UNSURE if unsure else "",
    )
