"""A square of an image, which may reach out of it."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws


def outside(images: tf.Tensor, size: int, draws: Draws) -> tf.Tensor:
    """Returns 0 for the pixels of a square and 1 elsewhere, [batch, height, width, 1] float32.

    Its middle is uniform in the image: a quarter of the square, about, is inside at least.

    Args:
      images: [batch, height, width, channels].
      size: side of the square in pixels.
      draws: of the images.
    """
    rows = _inside("rows", images.shape[1], size, draws)[:, :, None, None]
    columns = _inside("columns", images.shape[2], size, draws)[:, None, :, None]
    return 1 - rows * columns


def _inside(name: str, side: int, size: int, draws: Draws) -> tf.Tensor:
    """Returns 1 for the rows that the square covers and 0 elsewhere, [batch, side] float32."""
    # An even square has its middle between pixels, which are one more.
    middle = draws.integers(name, side + 1 - size % 2, (1,))
    distance = tf.range(side) - (middle - size // 2)
    return tf.cast((distance >= 0) & (distance < size), tf.float32)
