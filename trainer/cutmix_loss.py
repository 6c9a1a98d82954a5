"""The loss of mixed images as a term, and when it is there."""

import tensorflow as tf

from dualcontrast.augmentation import cutmix
from dualcontrast.layers.networks import Batch
from dualcontrast.losses import cutmix as losses
from dualcontrast.trainer import burn_in
from dualcontrast.trainer.config.cutmix_section import CutMixConfig
from dualcontrast.trainer.terms import Gather, Part, Term


class MixedImages(Term):
    """What the discriminator says of images mixed of reals and fakes (Schonfeld et al. 2020).

    Mixed are the images that it is shown, a real with the fake beside it, and the logits of their
    pixels.

    Args:
      section: of the configuration.
      weight: of the loss.
      factor: on the weight, which a warm-up changes.
      alone: whether it is in place of the adversarial loss, for which reals and fakes are judged.
    """

    numbers = 3
    metrics = ("cutmix/image", "cutmix/pixels", "cutmix/consistency")

    def __init__(
        self,
        section: CutMixConfig,
        weight: float,
        factor: burn_in.Factor = 1.0,
        alone: bool = False,
    ):
        self._section, self.weight, self._factor = section, weight, factor
        self.passes = 3 if alone else 1

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the cross entropy of each image, of its pixels, and their inconsistency."""
        reals, fakes = part.shown_reals, part.shown_fakes
        mask = cutmix.masks(reals.images.shape[1], part.draws.named("cutmix"))
        mixed = Batch(cutmix.mixed(reals.images, fakes.images, mask), reals.labels)
        judged = part.discriminator.outputs(mixed, part.shown_references)
        of_reals, of_fakes = (outputs.pixel_logits for outputs in part.outputs_of_both)
        return [
            *losses.classification(judged.logits, judged.pixel_logits, mask),
            losses.consistency(judged.pixel_logits, cutmix.mixed(of_reals, of_fakes, mask)),
        ]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the weighted sum of the means, and the means."""
        image, pixels, consistency = map(tf.reduce_mean, outputs)
        value = image + pixels + self._section.consistency_weight * consistency
        means = dict(zip(self.metrics, (image, pixels, consistency)))
        return value * (self.weight * self._factor), means


class Schedule:
    """When there are mixed images; build it inside `strategy.scope()`.

    Attributes:
      factor: on the weight of the loss beside the adversarial one.

    Args:
      section: of the configuration.
    """

    def __init__(self, section: CutMixConfig):
        self._section = section
        changes = section.weight and section.warmup_images
        self.factor: burn_in.Factor = burn_in.variable(0.0, "cutmix") if changes else 1.0

    def advance(self, images_seen: int) -> None:
        """Gives the factor the value of an iteration that begins at `images_seen`."""
        if isinstance(self.factor, tf.Variable):
            self.factor.assign(self.risen(images_seen))

    def risen(self, images_seen: int) -> float:
        """Returns the share of the probability and of the weight that there is, 0 to 1.

        Departs from the program, whose share rises once an epoch.
        """
        if images_seen >= self._section.warmup_images:
            return 1.0
        return images_seen / self._section.warmup_images

    def probability_at(self, images_seen: int) -> float:
        """Returns that of a step on mixed images alone, in an iteration from `images_seen` on."""
        return self._section.probability * self.risen(images_seen)
