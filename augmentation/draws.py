"""What augmentations ask of chance."""

from collections.abc import Callable
from typing import Protocol

import tensorflow as tf


class Draws(Protocol):
    """Random numbers of a batch of images, the same for the same name.

    An image's numbers must not depend on how the batch is shared by devices or cut in parts, so
    every method draws for the whole batch and returns those of the images at hand.
    """

    def named(self, name: str) -> "Draws":
        """Returns draws of their own for a part of what is done."""

    def uniform(self, name: str, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns [images, *shape] float32, uniform in [0, 1)."""

    def normal(self, name: str, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns [images, *shape] float32, standard normal."""

    def integers(self, name: str, below: int, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns [images, *shape] int32, uniform in 0 ... below - 1."""

    def once(self, name: str) -> tf.Tensor:
        """Returns a float32 scalar, uniform in [0, 1), one for the whole batch."""

    def of_batch(self, name: str, draw: Callable[[int, tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """Returns these images' part of what is drawn for a batch together.

        Args:
          name: of the draw.
          draw: from the images of the whole batch and a seed, [2] int32, to [images, ...].
        """
