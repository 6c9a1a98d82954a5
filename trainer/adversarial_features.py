"""AdvAug: an adversarial loss of features as they are, and of features that an attack has moved."""

import tensorflow as tf

from dualcontrast.layers.networks import Batch, Outputs
from dualcontrast.trainer.config.adversarial_features_section import AdversarialFeaturesConfig
from dualcontrast.trainer.terms import Gather, Part, Term


def of_discriminator(loss: Term, section: AdversarialFeaturesConfig) -> Term:
    """Returns the discriminator's loss with what the section adds to it."""
    if not (section.real_gamma or section.fake_gamma):
        return loss
    signs = {"paper": (-1, 1), "code": (1, 1)}[section.sign]
    return AttackedLoss(loss, section.real_gamma * signs[0], section.fake_gamma * signs[1])


class AttackedLoss(Term):
    """The mean of a discriminator's loss of features and of moved features (Chen et al. 2021).

    h_adv = h + step * sign(d logit / d h), for features h in front of the last layers. A change of
    the features against the loss lowers the logit of a real and raises that of a fake, since every
    loss falls with the former and rises with the latter.

    Departs from the paper where the hinge loss is flat: the sign of its slope would be 0 there, and
    the features are moved all the same, as in the program, which knows the logits alone.

    Args:
      loss: of the logits of reals and of fakes.
      real_step, fake_step: how far features are moved, and which way: up to larger logits.
    """

    def __init__(self, loss: Term, real_step: float, fake_step: float):
        self._loss = loss
        self._steps = (real_step, fake_step)
        self.couples, self.metrics, self.passes = loss.couples, loss.metrics, loss.passes
        self.numbers = 2 * loss.numbers

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the logits of reals and of fakes, and those of their moved features."""
        batches = (part.reals, part.fakes)
        moved = [_moved(part, *given) for given in zip(part.outputs_of_both, batches, self._steps)]
        return [*self._loss.outputs(part), *moved]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the mean of the two losses, and what is reported of the clean one."""
        half = self._loss.numbers
        clean, metrics = self._loss.loss(outputs[:half], gather)
        attacked, _ = self._loss.loss(outputs[half:], gather)
        return (clean + attacked) / 2, metrics


def _moved(part: Part, outputs: Outputs, batch: Batch, step: float) -> tf.Tensor:
    """Returns the logits of moved features; the way that they are moved is a constant."""
    network = part.discriminator
    at = tf.stop_gradient(outputs.features)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        logits = network.logits_of(at, batch.labels)
    slope = tf.stop_gradient(tape.gradient(logits, at))
    return network.logits_of(outputs.features + step * tf.sign(slope), batch.labels)
