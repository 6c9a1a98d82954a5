"""Additive noise."""

import tensorflow as tf

from dualcontrast.augmentation.ada.chance import sometimes
from dualcontrast.augmentation.draws import Draws

_DEVIATION = 0.1


def noise(images: tf.Tensor, draws: Draws, probability: tf.Tensor | float) -> tf.Tensor:
    """Returns the images, a share of them with noise (Karras et al. 2020b, appendix B).

    An image's noise is normal and independent in every pixel and channel; its deviation is that of
    the image, |N(0, 0.1²)|.

    Args:
      images: [batch, height, width, channels] float32 in [-1, 1].
      draws: of the images.
      probability: that an image has noise.
    """
    deviation = tf.abs(draws.normal("deviation", (1, 1, 1))) * _DEVIATION
    deviation = sometimes(deviation, 0.0, "deviation", draws, probability)
    return images + deviation * draws.normal("noise", tuple(images.shape[1:]))
