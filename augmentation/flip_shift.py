"""The flip and shift under which consistency regularisation compares (Zhang et al. 2020)."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws


def flip_shift(images: tf.Tensor, draws: Draws, *, shift: float = 0.125) -> tf.Tensor:
    """Returns the images mirrored with probability 1/2, and moved by whole pixels.

    Both axes by a number of their own; what comes in is the image reflected about its edges. One
    draw an image. Any number of channels.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
      shift: most that an image is moved by, as a share of its side: 4 pixels each way at 32x32.
    """
    rows = _source("rows", images.shape[1], shift, draws)
    columns = _source("columns", images.shape[2], shift, draws)
    mirrored = draws.uniform("flip", (1,)) < 0.5
    columns = tf.where(mirrored, tf.reverse(columns, [1]), columns)
    return tf.gather(tf.gather(images, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def most(side: int, shift: float) -> int:
    """Returns the most pixels that an image of this side is moved by."""
    return int(side * shift + 0.5)


def _source(name: str, side: int, shift: float, draws: Draws) -> tf.Tensor:
    """Returns where each row comes from, [batch, side]."""
    reach = most(side, shift)
    place = tf.range(side) + draws.integers(name, 2 * reach + 1, (1,)) - reach
    # Beyond an edge the image is read backwards, and beyond the next one forwards again.
    place %= 2 * side
    return tf.minimum(place, 2 * side - 1 - place)
