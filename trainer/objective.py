"""The adversarial objective: which losses the two networks have, and when."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from dualcontrast.losses import (
    dual_contrastive,
    hinge,
    non_saturating,
    relativistic,
    saturating,
    wasserstein,
)
from dualcontrast.trainer import contrad_loss
from dualcontrast.trainer.config import loss_sections
from dualcontrast.trainer.terms import Gather, Part, Term

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Terms(NamedTuple):
    """The adversarial loss of each network."""

    generator: Term
    discriminator: Term


@dataclasses.dataclass(frozen=True)
class Objective:
    """The adversarial losses of one phase of training.

    Attributes:
      discriminator_loss: of real and fake logits.
      generator_loss: of real and fake logits.
      generator_sees_reals: whether the generator's loss needs the logits of reals.
      couples: whether the losses are more than means over samples.
      whole_batch: whether they couple the samples of all replicas, which then gather logits.
    """

    discriminator_loss: Loss
    generator_loss: Loss
    generator_sees_reals: bool
    couples: bool
    whole_batch: bool

    def terms(self) -> Terms:
        """Returns what each network minimises."""
        return Terms(GeneratorLoss(self), DiscriminatorLoss(self))


@dataclasses.dataclass(frozen=True)
class ContraDObjective(Objective):
    """The losses of ContraD, of which the generator's is that of its adversarial loss.

    Attributes:
      section: of the configuration.
    """

    section: loss_sections.ContraD

    def terms(self) -> Terms:
        """Returns what each network minimises."""
        contrasts = contrad_loss.ContraDLoss(self.section, self.discriminator_loss)
        return Terms(GeneratorLoss(self), contrasts)


class GeneratorLoss(Term):
    """The generator's side of an objective."""

    def __init__(self, objective: Objective):
        self._objective = objective
        self.couples = objective.couples
        self.numbers = self.passes = 2 if objective.generator_sees_reals else 1

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the logits of reals, if they are needed, and of fakes."""
        if self._objective.generator_sees_reals:
            return [outputs.logits for outputs in part.outputs_of_both]
        return [part.outputs_of_fakes.logits]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the loss."""
        logits = _contrasted(self._objective, outputs, gather)
        real_logits = logits[0] if self._objective.generator_sees_reals else None
        return self._objective.generator_loss(real_logits, logits[-1]), {}


class DiscriminatorLoss(Term):
    """The discriminator's side of an objective."""

    numbers = passes = 2
    metrics = ("logits/real", "logits/fake")

    def __init__(self, objective: Objective):
        self._objective = objective
        self.couples = objective.couples

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns the logits of reals and of fakes."""
        return [outputs.logits for outputs in part.outputs_of_both]

    def loss(self, outputs: list[tf.Tensor], gather: Gather):
        """Returns the loss, and the means of the logits."""
        real_logits, fake_logits = _contrasted(self._objective, outputs, gather)
        means = {
            "logits/real": tf.reduce_mean(real_logits),
            "logits/fake": tf.reduce_mean(fake_logits),
        }
        return self._objective.discriminator_loss(real_logits, fake_logits), means


def _contrasted(objective: Objective, logits: list[tf.Tensor], gather: Gather) -> list[tf.Tensor]:
    return [gather(x) for x in logits] if objective.whole_batch else logits


def phase_at(loss: loss_sections.LossSection, images_seen: int) -> str:
    """Returns the name of the phase once `images_seen` reals have been shown.

    The dual contrastive loss starts after `warmup_images` of the system's own one, by a hard switch
    that keeps the optimizers' state (Yu et al. 2021, supplement).
    """
    if not isinstance(loss, loss_sections.DualContrastive):
        return "train"
    return "warmup" if images_seen < loss.warmup_images else "contrast"


def of_phase(loss: loss_sections.LossSection, phase: str) -> Objective:
    """Returns the objective of a phase, named by `phase_at`."""
    match loss:
        case loss_sections.DualContrastive() if phase == "contrast":
            return _dual_contrastive(loss)
        case loss_sections.DualContrastive():
            return of_phase(loss_sections.LOSSES[loss.warmup_loss](), phase)
        case loss_sections.NonSaturating():
            return _separable(non_saturating.discriminator_loss, non_saturating.generator_loss)
        case loss_sections.Saturating():
            return _separable(non_saturating.discriminator_loss, saturating.generator_loss)
        case loss_sections.Wasserstein():
            of_discriminator = functools.partial(wasserstein.discriminator_loss, drift=loss.drift)
            return _separable(of_discriminator, wasserstein.generator_loss)
        case loss_sections.Hinge():
            return _separable(hinge.discriminator_loss, wasserstein.generator_loss)
        case loss_sections.Relativistic():
            # Not coupled: a part has both of every pair, and so has a replica's share.
            return Objective(
                discriminator_loss=relativistic.discriminator_loss,
                generator_loss=relativistic.generator_loss,
                generator_sees_reals=True,
                couples=False,
                whole_batch=False,
            )
        case loss_sections.ContraD():
            adversarial = of_phase(loss_sections.LOSSES[loss.adversarial](), phase)
            return ContraDObjective(**vars(adversarial), section=loss)
    raise TypeError(f"no objective for {type(loss).__name__}")


def _separable(discriminator_loss: Loss, generator_loss) -> Objective:
    """Returns losses that are means over samples; the generator's is of fakes alone."""
    return Objective(
        discriminator_loss=discriminator_loss,
        generator_loss=lambda real_logits, fake_logits: generator_loss(fake_logits),
        generator_sees_reals=False,
        couples=False,
        whole_batch=False,
    )


def _dual_contrastive(loss: loss_sections.DualContrastive) -> Objective:
    pairs = loss.contrast_scope == "pair"
    contrast = dual_contrastive.pair_loss if pairs else dual_contrastive.discriminator_loss
    generator_losses = {
        "minimax": dual_contrastive.minimax_generator_loss,
        "swapped": dual_contrastive.swapped_generator_loss,
    }
    return Objective(
        discriminator_loss=contrast,
        generator_loss=functools.partial(
            generator_losses[loss.generator_objective], contrast=contrast
        ),
        generator_sees_reals=True,
        couples=not pairs,
        whole_batch=loss.contrast_scope == "global",
    )
