"""DiffAugment's cutout: a square of zeros."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws

RATIO = 0.5


def cutout(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Returns the images with zeros in a square of half their side (Zhao et al. 2020).

    Its middle is uniform in the image, of which it may reach out: at least a quarter of the square,
    about, is inside. One draw an image.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
    """
    rows = _inside("rows", images.shape[1], draws)[:, :, None, None]
    columns = _inside("columns", images.shape[2], draws)[:, None, :, None]
    return images * (1 - rows * columns)


def _inside(name: str, side: int, draws: Draws) -> tf.Tensor:
    """Returns 1 for the rows that the square covers and 0 elsewhere, [batch, side] float32."""
    size = int(side * RATIO + 0.5)
    middle = draws.integers(name, side + 1 - size % 2, (1,))
    distance = tf.range(side) - (middle - size // 2)
    return tf.cast((distance >= 0) & (distance < size), tf.float32)
