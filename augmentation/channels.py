"""Which channels of an image are colours."""

from collections.abc import Callable

import tensorflow as tf


def of_colors(images: tf.Tensor, change: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Returns the images with other colours, and with the alpha that they had.

    Args:
      images: [batch, height, width, channels], grey (1), RGB (3), or RGBA (4).
      change: of images with 1 or 3 channels.

    Raises:
      ValueError: there is another number of channels.
    """
    channels = images.shape[3]
    if channels not in (1, 3, 4):
        raise ValueError(f"images have {channels} channels, expected 1, 3 or 4")
    if channels < 4:
        return change(images)
    return tf.concat([change(images[..., :3]), images[..., 3:]], axis=3)
