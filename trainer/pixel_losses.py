"""Adversarial losses of images and of each of their pixels, as terms."""

import tensorflow as tf

from dualcontrast.trainer import objective
from dualcontrast.trainer.config import loss_sections
from dualcontrast.trainer.terms import Gather, Part, Term


def terms(loss: loss_sections.LossSection, phase: str) -> objective.Terms:
    """Returns what each network minimises where the discriminator judges pixels.

    One half is the loss of images. The other is the same one of pixels, averaged over them; with
    the dual contrastive loss, which compares images, it is that of its warm-up.

    Args:
      loss: of the configuration.
      phase: of training, named by `objective.phase_at`.
    """
    of_images = objective.of_phase(loss, phase)
    of_pixels = objective.of_phase(loss, "warmup")
    whole = of_images.terms()
    return objective.Terms(
        GeneratorLoss(whole.generator, of_pixels, of_images.generator_sees_reals),
        DiscriminatorLoss(whole.discriminator, of_pixels),
    )


class _HalfOfPixels(Term):
    """The mean of a loss of images and one of pixels (Schonfeld et al. 2020, equations 3 to 5).

    Departs from the paper, which adds the two up: the mean is the program's.

    Args:
      of_images: the loss of images.
      of_pixels: those of pixels, which couple no samples.
    """

    def __init__(self, of_images: Term, of_pixels: objective.Objective):
        self._of_images, self._of_pixels = of_images, of_pixels
        self.couples, self.passes = of_images.couples, of_images.passes

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the mean of both losses, and what is reported."""
        count = self._of_images.numbers
        of_images, metrics = self._of_images.loss(outputs[:count], gather)
        of_pixels, means = self._loss_of_pixels(outputs[count:])
        return (of_images + of_pixels) / 2, metrics | means

    def _loss_of_pixels(self, logits: list[tf.Tensor]):
        """Returns the loss of logits, [samples, height, width] each, and what is reported."""
        raise NotImplementedError


class GeneratorLoss(_HalfOfPixels):
    """The generator's side.

    Args:
      of_images, of_pixels: see `_HalfOfPixels`.
      beside_reals: whether the loss of images needs reals to be judged.
    """

    def __init__(self, of_images: Term, of_pixels: objective.Objective, beside_reals: bool):
        super().__init__(of_images, of_pixels)
        self._beside_reals = beside_reals
        self.numbers = 2 * of_images.numbers

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the logits of images, and of their pixels: of reals, if needed, and of fakes."""
        judged = part.outputs_of_both if self._beside_reals else [part.outputs_of_fakes]
        return [*self._of_images.outputs(part), *(outputs.pixel_logits for outputs in judged)]

    def _loss_of_pixels(self, logits):
        reals = logits[0] if self._beside_reals else None
        return self._of_pixels.generator_loss(reals, logits[-1]), {}


class DiscriminatorLoss(_HalfOfPixels):
    """The discriminator's side."""

    def __init__(self, of_images: Term, of_pixels: objective.Objective):
        super().__init__(of_images, of_pixels)
        self.numbers = of_images.numbers + 2
        self.metrics = (*of_images.metrics, "pixel_logits/real", "pixel_logits/fake")

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the logits of images, and of their pixels: of reals and of fakes."""
        of_pixels = [outputs.pixel_logits for outputs in part.outputs_of_both]
        return [*self._of_images.outputs(part), *of_pixels]

    def _loss_of_pixels(self, logits):
        means = dict(zip(self.metrics[-2:], map(tf.reduce_mean, logits)))
        return self._of_pixels.discriminator_loss(*logits), means
