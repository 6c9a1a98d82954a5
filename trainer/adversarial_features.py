"""AdvAug: an adversarial loss of features as they are, and of features that an attack has moved."""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.layers.networks import Batch, Outputs
from dualcontrast.trainer.config.adversarial_features_section import AdversarialFeaturesConfig
from dualcontrast.trainer.terms import Gather, Part, Term

# From features to how real they are taken to be, [samples].
Judge = Callable[[tf.Tensor], tf.Tensor]


def of_discriminator(loss: Term, section: AdversarialFeaturesConfig) -> Term:
    """Returns the discriminator's loss with what the section adds to it."""
    if not (section.real_gamma or section.fake_gamma):
        return loss
    signs = {"paper": (-1, 1), "code": (1, 1)}[section.sign]
    sizes = (section.real_gamma * signs[0], section.fake_gamma * signs[1])
    return AttackedDiscriminatorLoss(loss, sizes, section.steps)


def of_generator(loss: Term, section: AdversarialFeaturesConfig) -> Term:
    """Returns the generator's loss with what the section adds to it."""
    if not section.generator_gamma:
        return loss
    sign = {"paper": -1, "code": 1}[section.sign]
    return AttackedGeneratorLoss(loss, section.generator_gamma * sign, section.steps)


class AttackedLoss(Term):
    """The mean of a loss of features and of moved features (Chen et al. 2021).

    h_adv = h + step * sign(d logit / d h), for features h. Every loss of the discriminator falls
    with logits of reals and rises with those of fakes, and every loss of the generator falls with
    the latter: a change against the loss has the sign of the logit's slope, or the other one.

    Departs from the paper, which adds the two losses up: the mean is the program's.

    Departs from the paper where the hinge loss is flat: the sign of its slope would be 0 there, and
    the features are moved all the same, as in the program, which knows the logits alone.

    Args:
      loss: the one that there is without an attack.
    """

    def __init__(self, loss: Term):
        self._loss = loss
        self.couples, self.metrics = loss.couples, loss.metrics
        self.numbers = 2 * loss.numbers

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the mean of the two losses, and what is reported of the clean one."""
        half = self._loss.numbers
        clean, metrics = self._loss.loss(outputs[:half], gather)
        attacked, _ = self._loss.loss(outputs[half:], gather)
        return (clean + attacked) / 2, metrics


class AttackedDiscriminatorLoss(AttackedLoss):
    """That of the discriminator, whose features are those in front of its last layers.

    Args:
      loss: of the logits of reals and of fakes.
      sizes: how far features of reals and of fakes are moved in a step; below 0 down the slope.
      steps: how many.
    """

    def __init__(self, loss: Term, sizes: tuple[float, float], steps: int):
        super().__init__(loss)
        self._sizes, self._steps = sizes, steps
        self.passes = loss.passes

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the logits of reals and of fakes, and those of their moved features."""
        batches = (part.reals, part.fakes)
        given = zip(part.outputs_of_both, batches, self._sizes)
        return [*self._loss.outputs(part), *(self._moved(part, *one) for one in given)]

    def _moved(self, part: Part, outputs: Outputs, batch: Batch, size: float) -> tf.Tensor:
        """Returns the logits of moved features."""

        def judge(features):
            return part.discriminator.logits_of(features, batch.labels)

        return judge(moved(outputs.features, judge, size, self._steps))


class AttackedGeneratorLoss(AttackedLoss):
    """That of the generator, whose features are what its first layer makes of z.

    The images of moved features are augmented as those of the features are, and judged beside the
    same reals.

    Args:
      loss: of the logits of fakes, and perhaps of reals.
      size: how far features are moved in a step; below 0 down the slope of the logit.
      steps: how many.
    """

    def __init__(self, loss: Term, size: float, steps: int):
        super().__init__(loss)
        self._size, self._steps = size, steps
        # The discriminator has one batch more to judge; what shows the way is no part of the loss.
        self.passes = loss.passes + 1

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns what the loss takes of fakes, and the same of those of moved features."""
        generator = part.generator
        inputs = generator.draw(part.draws)

        def attacked(features) -> Part:
            return part.with_fakes(generator.images_of(features, inputs))

        features = moved(
            generator.features(inputs),
            lambda features: attacked(features).outputs_of_fakes.logits,
            self._size,
            self._steps,
        )
        return [*self._loss.outputs(part), *self._loss.outputs(attacked(features))]


def moved(features: tf.Tensor, judge: Judge, size: float, steps: int) -> tf.Tensor:
    """Returns features after an attack; the way that they are moved is a constant.

    Args:
      features: [samples, ...].
      judge: whose slope shows the way.
      size: of a step in every number; below 0 down the slope.
      steps: how many.
    """
    way = tf.zeros_like(features)
    for _ in range(steps):
        at = tf.stop_gradient(features) + way
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(at)
            logits = judge(at)
        way += size * tf.sign(tf.stop_gradient(tape.gradient(logits, at)))
    return features + tf.stop_gradient(way)
