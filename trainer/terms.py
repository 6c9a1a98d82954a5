"""What a network minimises: the adversarial loss, penalties and regularisers, each a term.

A term says what each sample contributes and what the loss is of these contributions. The trainer
adds up the terms of a step, takes the gradient, in parts if need be, and applies it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import draws

Gather = Callable[[tf.Tensor], tf.Tensor]


class Part(NamedTuple):
    """The samples that are computed at once: a replica's share of a batch, or a part of it.

    Attributes:
      generator, discriminator: in training.
      reals: images [samples, height, width, channels] float32 in [-1, 1], and their labels.
      references: such images; None where the discriminator is not given any.
      draws: of these samples.
    """

    generator: networks.Generator
    discriminator: networks.Discriminator
    reals: networks.Batch
    references: tf.Tensor | None
    draws: draws.Draws

    def fakes(self) -> networks.Batch:
        """Returns the generator's images, and the labels that they were made for."""
        inputs = self.generator.draw(self.draws)
        return networks.Batch(self.generator.images(inputs), inputs.get("labels"))


class Term:
    """A part of what a network minimises.

    Attributes:
      weight: of its loss; with 0 it is off, and only what it keeps is there.
      every: None where it is a part of every update of its network; a number k where it is an
        update of its own in every k-th iteration, multiplied by k (lazy regularisation, Karras et
        al. 2020, appendix B).
      numbers: tensors that `outputs` returns.
      metrics: names of the scalars that `loss` returns besides the loss.
      couples: whether the loss is more than a mean over samples.
      passes: batches that `outputs` has the discriminator judge.
      makes_fakes: whether `outputs` makes images with the generator.
    """

    weight: float = 1.0
    every: int | None = None
    numbers = 1
    metrics: tuple[str, ...] = ()
    couples = False
    passes = 0
    makes_fakes = True

    def samples(self, share: int) -> int:
        """Returns how many samples a replica takes of a share of `share`."""
        return share

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns what each sample contributes, [samples, ...] each; without side effects."""
        raise NotImplementedError

    def loss(self, outputs: list[tf.Tensor], gather: Gather) -> tuple[tf.Tensor, dict[str, Any]]:
        """Returns the weighted loss of a replica's samples, a scalar, and scalars by name.

        Args:
          outputs: of all parts.
          gather: from a replica's [samples, ...] to those of all replicas; if it couples.
        """
        raise NotImplementedError

    def finish(self, metrics: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Assigns what the term keeps of a step, and returns what is reported of it."""
        return metrics

    def variables(self) -> dict[str, tf.Variable]:
        """Returns what the term keeps, by the name in checkpoints."""
        return {}
