"""ADA: augmentations whose probability follows how sure the discriminator is of reals."""

import tensorflow as tf

from dualcontrast.augmentation.ada import pipeline
from dualcontrast.trainer import burn_in, draws
from dualcontrast.trainer.config import augmentation_sections
from dualcontrast.trainer.terms import Augmentation, Gather, Part, Term


class AdaptiveAugmentation(Augmentation):
    """Some groups of ADA's augmentations, with a probability that is fixed or adapted.

    Slopes are taken at the images as they are, through the augmentation (Karras et al. 2020b).

    Args:
      section: of the configuration.
      networks: whose steps show augmented images.
      batch_size: real images of a step, over all devices together.
      factor: on a fixed probability.
    """

    slopes_after = False

    def __init__(
        self,
        section: augmentation_sections.ADA,
        networks: tuple[str, ...],
        batch_size: int,
        factor: burn_in.Factor = 1.0,
    ):
        self.networks = networks
        self._groups, self._color = section.chosen, section.color
        self._fixed, self._factor = section.probability, factor
        self._controller = Controller(section, batch_size) if self._fixed is None else None

    def __call__(self, images: tf.Tensor, draws: draws.Draws) -> tf.Tensor:
        """Returns the images after all groups."""
        if self._controller:
            probability = self._controller.probability.value()
        else:
            probability = self._fixed * self._factor
        return pipeline.augment(images, draws, probability, self._groups, self._color)

    def terms(self) -> list[Term]:
        """Returns what adapts the probability."""
        return [self._controller] if self._controller else []


class Controller(Term):
    """Adapts the probability to r_t, the mean sign of the logits of reals; adds nothing to a loss.

    Where r_t is over its target, the discriminator is surer of the reals that it trains on than it
    would be of others, and the probability rises, else it falls: by the images since the last
    change over `speed_images` (Karras et al. 2020b, equation 1). It needs logits of reals in the
    discriminator's adversarial step, which every loss has so far.

    Departs from the published program, where the probability may be more than 1: it would augment
    as 1 does, and take the longer to come back.

    Args:
      section: of the configuration.
      batch_size: real images of a step, over all devices together.

    Attributes:
      probability: now, a scalar variable.
    """

    metrics = ("ada/r_t",)
    makes_fakes = False

    def __init__(self, section: augmentation_sections.ADA, batch_size: int):
        self._target, self._every = section.target, section.every
        self._step = batch_size * section.every / section.speed_images
        self.probability = burn_in.variable(0.0, "ada_probability")
        self._sum = burn_in.variable(0.0, "ada_sign_sum")
        self._count = burn_in.variable(0.0, "ada_sign_count")

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the logits of reals, which the adversarial loss has too."""
        return [part.outputs_of_both[0].logits]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns 0, and the mean sign of this replica's logits."""
        return tf.zeros([]), {"ada/r_t": tf.reduce_mean(tf.sign(outputs[0]))}

    def finish(self, metrics: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Counts the step, and changes the probability if it is the last of so many."""
        replica = tf.distribute.get_replica_context()
        sign = replica.all_reduce(tf.distribute.ReduceOp.MEAN, metrics["ada/r_t"])
        total, count = self._sum + sign, self._count + 1.0
        due = count >= self._every
        changed = self.probability + tf.sign(total / count - self._target) * self._step
        probability = tf.where(due, tf.clip_by_value(changed, 0.0, 1.0), self.probability)
        self.probability.assign(probability)
        self._sum.assign(tf.where(due, 0.0, total))
        self._count.assign(tf.where(due, 0.0, count))
        return {"ada/p": probability, "ada/r_t": sign}

    def variables(self) -> dict[str, tf.Variable]:
        """Returns the probability, and what has been counted since it changed."""
        return {
            "ada_probability": self.probability,
            "ada_sign_sum": self._sum,
            "ada_sign_count": self._count,
        }
