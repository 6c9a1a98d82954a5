"""Random numbers that are not random: a share of what they may be."""

import math

import tensorflow as tf

from dualcontrast.trainer import draws

# A normal number has no least and no greatest: from 2 deviations below to 2 above.
_TAIL = 0.0228


class Spread(draws.Draws):
    """Draws of one image, whose single numbers lie at a share of their range.

    A change that is made of some images only is made, and an image's several numbers of one name
    are random.

    Args:
      seed: of the random ones.
      column: likewise.
      share: of the range, from 0, the least, to 1, the greatest.
    """

    def __init__(self, seed: int, column: int, share: float):
        super().__init__(seed, column, draws.Purpose.GRID, 1)
        self._share_of_range = min(share, 1 - 2**-20)  # all are below 1

    def uniform(self, name: str, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns the share, or 0 for the coin that decides whether there is a change."""
        if math.prod(shape) > 1:
            return super().uniform(name, shape)
        return tf.fill([1, *shape], 0.0 if name == "applied" else self._share_of_range)

    def normal(self, name: str, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns the number below which a share of normal ones lies."""
        if math.prod(shape) > 1:
            return super().normal(name, shape)
        share = _TAIL + (1 - 2 * _TAIL) * self._share_of_range
        return tf.fill([1, *shape], tf.math.ndtri(tf.constant(share)))

    def integers(self, name: str, below: int, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns the integer at the share of them."""
        if math.prod(shape) > 1:
            return super().integers(name, below, shape)
        return tf.fill([1, *shape], int(self._share_of_range * below))

    def once(self, name: str) -> tf.Tensor:
        """Returns the share."""
        return tf.constant(self._share_of_range)
