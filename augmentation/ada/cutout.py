"""Cutout: a square of zeros."""

import tensorflow as tf

from dualcontrast.augmentation.ada.chance import sometimes
from dualcontrast.augmentation.draws import Draws

_SIZE = 0.5  # of the side


def cutout(images: tf.Tensor, draws: Draws, probability: tf.Tensor | float) -> tf.Tensor:
    """Returns the images, a share of them with zeros in a rectangle of half their sides.

    Its middle is uniform in the image, of which it may reach out (Karras et al. 2020b, appendix B).

    Args:
      images: [batch, height, width, channels] float32 in [-1, 1].
      draws: of the images.
      probability: that an image has it.
    """
    size = tf.ones_like(draws.uniform("row", (1,))) * _SIZE
    reach = sometimes(size, 0.0, "cutout", draws, probability) / 2
    rows, columns = (
        tf.abs((tf.range(side, dtype=tf.float32) + 0.5) / side - draws.uniform(name, (1,))) < reach
        for name, side in (("row", images.shape[1]), ("column", images.shape[2]))
    )
    inside = rows[:, :, None] & columns[:, None, :]
    return tf.where(inside[..., None], 0.0, images)
