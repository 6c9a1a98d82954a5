"""DiffAugment's translation: whole pixels, with zeros from outside."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws

RATIO = 0.125


def translation(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Returns the images moved by whole pixels, by up to 1/8 of a side each way (Zhao et al. 2020).

    What comes in from outside is 0. One draw an image.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
    """
    rows = _source("rows", images.shape[1], draws)
    columns = _source("columns", images.shape[2], draws)
    framed = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])
    return tf.gather(tf.gather(framed, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def _source(name: str, side: int, draws: Draws) -> tf.Tensor:
    """Returns where each row comes from in images with a frame of one zero, [batch, side]."""
    most = int(side * RATIO + 0.5)
    shift = draws.integers(name, 2 * most + 1, (1,)) - most
    return tf.clip_by_value(tf.range(side) + shift + 1, 0, side + 1)
