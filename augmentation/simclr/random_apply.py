"""A change of some images and not of others."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws


def random_apply(
    images: tf.Tensor, changed: tf.Tensor, draws: Draws, probability: float
) -> tf.Tensor:
    """Returns each image as it was changed with a probability, and else as it was.

    Args:
      images, changed: [batch, height, width, channels] float32.
      draws: of the images; the coin has the name "applied".
      probability: that an image is changed.
    """
    applied = tf.cast(draws.uniform("applied", (1, 1, 1)) < probability, tf.float32)
    return images * (1 - applied) + changed * applied
