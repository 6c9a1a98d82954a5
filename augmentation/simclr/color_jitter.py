"""SimCLR's colours: contrast, and hue, saturation and value, in either order."""

import tensorflow as tf

from dualcontrast.augmentation import channels
from dualcontrast.augmentation.draws import Draws
from dualcontrast.augmentation.simclr import hsv
from dualcontrast.augmentation.simclr.random_apply import random_apply

PROBABILITY = 0.8


def color_jitter(
    images: tf.Tensor,
    draws: Draws,
    *,
    strength: float = 0.4,
    hue: float = 0.1,
    straight_through: bool = True,
) -> tf.Tensor:
    """Returns the images in other colours, each with probability 0.8.

    Contrast is the distance from a channel's mean, times U(1 - strength, 1 + strength), cut to
    [0, 1]. The other step is `hsv.shift`, whose two factors are drawn likewise. Which comes first
    is drawn once for the batch, all else for every image. Grey images change in contrast alone; an
    alpha stays.

    Args:
      images: [batch, height, width, channels] float32, nominally in [0, 1].
      draws: of the images.
      strength: of contrast, saturation and value, from 0 to 1.
      hue: most that it is moved by, each way; 1 is 255/360 of a turn.
      straight_through: whether the gradient passes the second step as it is (ContraD's).
    """

    def factor(name: str) -> tf.Tensor:
        return 1 + strength * (2 * draws.uniform(name, (1, 1, 1)) - 1)

    def change(colors: tf.Tensor) -> tf.Tensor:
        contrast = factor("contrast")
        if colors.shape[3] == 1:
            return _contrast(colors, contrast)
        turn = hue * (2 * draws.uniform("hue", (1, 1, 1)) - 1)
        contrast_first = draws.once("order") < 0.5
        colors = tf.where(contrast_first, _contrast(colors, contrast), colors)
        shifted = hsv.shift(colors, turn * (255 / 360), factor("saturation"), factor("value"))
        if straight_through:
            shifted = colors + tf.stop_gradient(shifted - colors)
        return tf.where(contrast_first, shifted, _contrast(shifted, contrast))

    changed = channels.of_colors(images, change)
    return random_apply(images, changed, draws, PROBABILITY)


def _contrast(colors: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    mean = tf.reduce_mean(colors, axis=[1, 2], keepdims=True)
    return tf.clip_by_value((colors - mean) * factor + mean, 0, 1)
