"""The discriminator's penalties as terms: R1, R2, and WGAN-GP's gradient penalty."""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.layers.networks import Batch
from dualcontrast.losses import gradient_penalty, r1
from dualcontrast.trainer.burn_in import Factor
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.terms import Gather, Part, Term


def of_discriminator(penalties: schema.PenaltiesConfig, factor: Factor = 1.0) -> list[Term]:
    """Returns all of them; some have no weight.

    Args:
      penalties: of the configuration.
      factor: on all weights, which a burn-in changes.
    """
    weight, every = penalties.gradient_penalty_weight, penalties.gradient_penalty_every
    return [
        R1(penalties.r1_gamma / 2, penalties.r1_every, factor),
        R2(penalties.r2_gamma / 2, penalties.r2_every, factor),
        GradientPenalty(weight, every, factor),
    ]


class Penalty(Term):
    """The weighted mean of one number a sample.

    Args:
      weight: of the mean.
      every: see `Term`.
      factor: on the weight.
    """

    name = ""
    passes = 1

    def __init__(self, weight: float, every: int | None, factor: Factor = 1.0):
        self.weight, self.every, self._factor = weight, every, factor
        self.metrics = (self.name,)

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns weight * mean, and the mean."""
        mean = tf.reduce_mean(outputs[0])
        return mean * (self.weight * self._factor), {self.name: mean}


class R1(Penalty):
    """The squared slope at reals (Mescheder et al. 2018)."""

    name = "r1"
    makes_fakes = False

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns |gradient|^2 of every real."""
        return [r1.r1_penalty(*_judged(part, part.reals, "reals"))]


class R2(Penalty):
    """The squared slope at fakes (Mescheder et al. 2018)."""

    name = "r2"

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns |gradient|^2 of every fake."""
        return [r1.r1_penalty(*_judged(part, part.fakes, "fakes"))]


class GradientPenalty(Penalty):
    """Slope 1 between reals and fakes (Gulrajani et al. 2017)."""

    name = "gradient_penalty"

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns (|gradient| - 1)^2 of every mixed image, which has its real's label."""
        judge, reals = _judged(part, part.reals, "reals")
        _, fakes = _judged(part, part.fakes, "fakes")
        return [gradient_penalty.gradient_penalty(judge, reals, fakes, part.draws.mixture())]


def _judged(
    part: Part, batch: Batch, name: str
) -> tuple[Callable[[tf.Tensor], tf.Tensor], tf.Tensor]:
    """Returns the discriminator as a function of images, and the images to take a slope at.

    It has the batch's labels and the part's references, which are constants to a derivative by the
    images, even where they are the same reals; but the outer derivative by the variables goes
    through them. The augmentation is either in the function or in the images.

    Args:
      part: with the discriminator.
      batch: the images.
      name: what they are.
    """
    references = part.shown_references

    def judge(images):
        return part.discriminator.outputs(Batch(images, batch.labels), references).score

    if part.augmentation.slopes_after:
        return judge, part.shown(batch.images, name)
    return lambda images: judge(part.shown(images, name)), batch.images
