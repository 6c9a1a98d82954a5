"""Which losses the two networks play with, and when."""

import dataclasses
import functools
from collections.abc import Callable

import tensorflow as tf

from dualcontrast.losses import (
    dual_contrastive,
    hinge,
    non_saturating,
    saturating,
    wasserstein,
)
from dualcontrast.trainer.config import schema

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Game:
    """The adversarial losses of one phase of training.

    Attributes:
      phase: its name in logs.
      discriminator_loss: of real and fake logits.
      generator_loss: of real and fake logits.
      generator_sees_reals: whether the generator's loss needs the logits of reals.
      couples: whether the losses are more than means over samples.
      whole_batch: whether they couple the samples of all replicas, which then gather logits.
    """

    phase: str
    discriminator_loss: Loss
    generator_loss: Loss
    generator_sees_reals: bool
    couples: bool
    whole_batch: bool


def _separable(phase: str, discriminator_loss: Loss, generator_loss) -> Game:
    """Returns a game whose losses are means over samples; the generator's is of fakes alone."""
    return Game(
        phase=phase,
        discriminator_loss=discriminator_loss,
        generator_loss=lambda real_logits, fake_logits: generator_loss(fake_logits),
        generator_sees_reals=False,
        couples=False,
        whole_batch=False,
    )


def non_saturating_game(phase: str) -> Game:
    """Returns the game of StyleGAN2."""
    return _separable(phase, non_saturating.discriminator_loss, non_saturating.generator_loss)


def saturating_game() -> Game:
    """Returns the minimax game of Goodfellow et al. 2014."""
    return _separable("train", non_saturating.discriminator_loss, saturating.generator_loss)


def wasserstein_game(loss: schema.LossConfig) -> Game:
    """Returns the game of Arjovsky et al. 2017."""
    discriminator_loss = functools.partial(
        wasserstein.discriminator_loss, drift=loss.wasserstein_drift
    )
    return _separable("train", discriminator_loss, wasserstein.generator_loss)


def hinge_game() -> Game:
    """Returns the game of Lim and Ye 2017."""
    return _separable("train", hinge.discriminator_loss, wasserstein.generator_loss)


def dual_contrastive_game(loss: schema.LossConfig) -> Game:
    """Returns the game of Yu et al. 2021."""
    objectives = {
        "minimax": dual_contrastive.minimax_generator_loss,
        "swapped": dual_contrastive.swapped_generator_loss,
    }
    return Game(
        phase="contrast",
        discriminator_loss=dual_contrastive.discriminator_loss,
        generator_loss=objectives[loss.generator_objective],
        generator_sees_reals=True,
        couples=True,
        whole_batch=loss.contrast_scope == "global",
    )


def game_at(loss: schema.LossConfig, images_seen: int) -> Game:
    """Returns the game that is played once `images_seen` reals have been shown.

    The dual contrastive loss starts after `loss.warmup_images` of the non-saturating one, by a hard
    switch that keeps the optimizers' state (Yu et al. 2021, supplement).
    """
    if loss.adversarial == "non_saturating":
        return non_saturating_game("train")
    if loss.adversarial == "saturating":
        return saturating_game()
    if loss.adversarial == "wasserstein":
        return wasserstein_game(loss)
    if loss.adversarial == "hinge":
        return hinge_game()
    if images_seen < loss.warmup_images:
        return non_saturating_game("warmup")
    return dual_contrastive_game(loss)
