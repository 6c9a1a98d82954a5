"""SimCLR's grey images."""

import tensorflow as tf

from dualcontrast.augmentation import channels
from dualcontrast.augmentation.draws import Draws
from dualcontrast.augmentation.simclr.random_apply import random_apply

PROBABILITY = 0.2
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue


def grayscale(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Returns the images, each without its colours with probability 0.2.

    An alpha stays, and so does an image of one channel.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
    """
    if images.shape[3] == 1:
        return images
    return random_apply(images, channels.of_colors(images, _grey), draws, PROBABILITY)


def _grey(rgb: tf.Tensor) -> tf.Tensor:
    return tf.repeat(tf.reduce_sum(rgb * tf.constant(LUMA), axis=-1, keepdims=True), 3, axis=-1)
