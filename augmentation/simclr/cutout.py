"""SimCLR's cutout: a black square."""

import tensorflow as tf

from dualcontrast.augmentation import square
from dualcontrast.augmentation.draws import Draws
from dualcontrast.augmentation.simclr.random_apply import random_apply

PROBABILITY = 0.5


def cutout(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Returns the images, each with zeros in a square with probability 1/2.

    The square's side is the largest odd number below half the image's, 15 at 32x32 and 255 at
    512x512. Its middle is uniform in the image, of which it may reach out. An alpha is cut too.

    Args:
      images: [batch, height, width, channels] float32 in [0, 1].
      draws: of the images.
    """
    size = (images.shape[1] // 2 - 2) // 2 * 2 + 1
    return random_apply(images, images * square.outside(images, size, draws), draws, PROBABILITY)
