"""DiffAugment's cutout: a square of zeros."""

import tensorflow as tf

from dualcontrast.augmentation import square
from dualcontrast.augmentation.draws import Draws

RATIO = 0.5


def cutout(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Returns the images with zeros in a square of half their side (Zhao et al. 2020).

    Its middle is uniform in the image, of which it may reach out. One draw an image.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
    """
    return images * square.outside(images, int(images.shape[1] * RATIO + 0.5), draws)
