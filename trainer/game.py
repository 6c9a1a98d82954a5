"""Which losses the two networks play with, and when."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from dualcontrast.losses import dual_contrastive, non_saturating
from dualcontrast.trainer import config as configs

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Game:
    """The adversarial losses of one phase of training.

    Attributes:
      phase: its name in logs.
      discriminator_loss: of real and fake logits.
      generator_loss: of real and fake logits.
      generator_sees_reals: whether the generator's loss needs the logits of reals.
      whole_batch: whether the losses couple the samples of all replicas, which then gather logits.
    """

    phase: str
    discriminator_loss: Loss
    generator_loss: Loss
    generator_sees_reals: bool
    whole_batch: bool


def non_saturating_game(phase: str) -> Game:
    """Returns the game of StyleGAN2."""
    return Game(
        phase=phase,
        discriminator_loss=non_saturating.discriminator_loss,
        generator_loss=lambda real_logits, fake_logits: non_saturating.generator_loss(fake_logits),
        generator_sees_reals=False,
        whole_batch=False,
    )


def dual_contrastive_game(loss: configs.LossConfig) -> Game:
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
        whole_batch=loss.contrast_scope == "global",
    )


def game_at(loss: configs.LossConfig, images_seen: int) -> Game:
    """Returns the game that is played once `images_seen` reals have been shown.

    The dual contrastive loss starts after `loss.warmup_images` of the non-saturating one, by a hard
    switch that keeps the optimizers' state (Yu et al. 2021, supplement).
    """
    if loss.adversarial == "non_saturating":
        return non_saturating_game("train")
    if images_seen < loss.warmup_images:
        return non_saturating_game("warmup")
    return dual_contrastive_game(loss)
