"""ContraD's side of the discriminator as a term."""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.losses import contrad
from dualcontrast.trainer.config import loss_sections
from dualcontrast.trainer.terms import Gather, Part, Term

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class ContraDLoss(Term):
    """Two contrasts upon the features, and an adversarial loss that does not change them.

    L = L_con+ + lambda_con L_con- + lambda_dis L_dis (Jeong and Shin 2021, equation 9): L_con+ of
    two views of every real, L_con- of fakes against all of them, L_dis of the first view and of
    fakes with constant features.

    Departs from the program, which draws what is drawn once for a batch, such as the order of the
    jitter, once for all three views: here it is once for each.

    Args:
      section: of the configuration.
      adversarial: the loss of real and fake logits.
    """

    numbers = 7
    couples = True
    metrics = ("logits/real", "logits/fake", "contrast/reals", "contrast/fakes")

    def __init__(self, section: loss_sections.ContraD, adversarial: Loss):
        self._section = section
        self._adversarial = adversarial
        self._joint = section.d_batching == "joint"
        self.passes = 1 if self._joint else 2

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns what `loss` takes: projections, [samples, size], and logits, [samples].

        Of the first and the second view, for reals; of them and of fakes, for fakes; of the first
        view, and of fakes.
        """
        network = part.discriminator
        first, second, fakes = self._features(part)
        by_reals = network.projections[0](tf.concat([first, second], axis=0))
        by_fakes = network.projections[1](tf.concat([first, second, fakes], axis=0))
        logits = network.logits_of(
            tf.stop_gradient(tf.concat([first, fakes], axis=0)),
            _together(part.reals.labels, part.fakes.labels),
        )
        return [*tf.split(by_reals, 2), *tf.split(by_fakes, 3), *tf.split(logits, 2)]

    def _features(self, part: Part) -> list[tf.Tensor]:
        """Returns the features of the first view, of the second, and of fakes."""
        network, reals = part.discriminator, part.reals
        views = [part.shown(reals.images, name) for name in ("reals", "second views")]
        fakes = part.shown(part.fakes.images, "fakes")
        if self._joint:
            references = part.shown_references
            how = {} if references is None else {"references": tf.tile(references, [3, 1, 1, 1])}
            return tf.split(network.features(tf.concat([*views, fakes], axis=0), **how), 3)
        both = networks.Batch(tf.concat(views, axis=0), _together(reals.labels, reals.labels))
        of_reals, of_fakes = network.compare(
            both, part.fakes._replace(images=fakes), None, judge_reals=True
        )
        return [*tf.split(of_reals.features, 2), of_fakes.features]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the loss of the whole batch, its parts, and the means of the logits."""
        one, two, one_by_fakes, two_by_fakes, fakes, real_logits, fake_logits = map(gather, outputs)
        section = self._section
        of_reals = contrad.nt_xent(one, two, section.temperature)
        of_fakes = contrad.fake_contrast(
            tf.concat([one_by_fakes, two_by_fakes], axis=0), fakes, section.temperature
        )
        value = (
            of_reals
            + section.lambda_con * of_fakes
            + section.lambda_dis * self._adversarial(real_logits, fake_logits)
        )
        return value, {
            "logits/real": tf.reduce_mean(real_logits),
            "logits/fake": tf.reduce_mean(fake_logits),
            "contrast/reals": of_reals,
            "contrast/fakes": of_fakes,
        }


def _together(one: tf.Tensor | None, two: tf.Tensor | None) -> tf.Tensor | None:
    """Returns the labels of both; there are none where networks are given none."""
    return None if one is None or two is None else tf.concat([one, two], axis=0)
