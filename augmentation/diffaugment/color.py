"""DiffAugment's colours: brightness, then saturation, then contrast."""

import tensorflow as tf

from dualcontrast.augmentation import channels
from dualcontrast.augmentation.draws import Draws


def color(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Returns the images in other colours, without limits (Zhao et al. 2020).

    x + U(-1/2, 1/2); then the distance from a pixel's mean over channels times U(0, 2); then the
    distance from the image's mean times U(1/2, 3/2). One draw an image. An alpha stays.

    Args:
      images: [batch, height, width, channels] float32, nominally in [-1, 1].
      draws: of the images.
    """
    brightness, saturation, contrast = (
        draws.uniform(name, (1, 1, 1)) for name in ("brightness", "saturation", "contrast")
    )

    def change(colors: tf.Tensor) -> tf.Tensor:
        colors = colors + (brightness - 0.5)
        grey = tf.reduce_mean(colors, axis=3, keepdims=True)
        colors = (colors - grey) * (saturation * 2) + grey
        mean = tf.reduce_mean(colors, axis=[1, 2, 3], keepdims=True)
        return (colors - mean) * (contrast + 0.5) + mean

    return channels.of_colors(images, change)
