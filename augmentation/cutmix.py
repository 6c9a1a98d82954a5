"""CutMix: images of which a box is another image's (Yun et al. 2019)."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws


def masks(side: int, draws: Draws) -> tf.Tensor:
    """Returns what is kept of an image, [images, side, side] float32: 1, or 0 where another one is.

    As in U-Net GAN's program (Schonfeld et al. 2020): a share l of the area is uniform in [0, 1),
    the box of side floor(side * sqrt(1 - l)) has a middle that is uniform in the image, of which it
    may reach out. With probability 1/2 the box is what is kept.

    Args:
      side: of the images.
      draws: of the images.
    """
    share = draws.uniform("share")
    length = tf.cast(float(side) * tf.sqrt(1 - share), tf.int32)
    rows, columns = (
        _within(side, draws.integers(name, side), length) for name in ("row", "column")
    )
    box = rows[:, :, None] & columns[:, None, :]
    inverted = (draws.uniform("inverted") < 0.5)[:, None, None]
    return tf.cast(tf.equal(box, inverted), tf.float32)


def mixed(one: tf.Tensor, other: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns `one` where the mask is 1, and `other` where it is 0.

    Args:
      one, other: [batch, height, width, channels], or without channels.
      mask: [batch, height, width].
    """
    mask = tf.cast(tf.reshape(mask, [*mask.shape, *[1] * (one.shape.rank - 3)]), one.dtype)
    return mask * one + (1 - mask) * other


def _within(side: int, middle: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Returns which places of a line are in the interval of each image, [images, side] bool."""
    half = (length // 2)[:, None]
    place = tf.range(side) - middle[:, None]
    return (place >= -half) & (place < half)
