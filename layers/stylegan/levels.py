"""Levels of detail of an image: how networks grow (Karras et al. 2018, section 2)."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d

_BOX = upfirdn2d.lowpass((1.0, 1.0))


def variable(network: keras.Layer):
    """Returns the number of levels that a network leaves out, 0 at first; it is not trained."""
    return network.add_weight(
        name="lod",
        shape=(),
        initializer="zeros",
        trainable=False,
        autocast=False,
        aggregation="only_first_replica",
    )


def halve(x: tf.Tensor) -> tf.Tensor:
    """Returns the means of 2x2 pixels.

    Args:
      x: [batch, height, width, channels], height and width even.
    """
    return upfirdn2d.downsample_2d(x, _BOX)


def double(x: tf.Tensor) -> tf.Tensor:
    """Returns every pixel as 2x2 pixels.

    Args:
      x: [batch, height, width, channels].
    """
    return upfirdn2d.upsample_2d(x, _BOX)


def fade(fine: tf.Tensor, coarse: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Returns `fine` up to a share of 0, `coarse` from 1 on, and what is between on the way.

    At both ends exactly, so that a level which takes no part changes no bit.

    Args:
      fine, coarse: of one shape and type.
      share: of `coarse`, a scalar.
    """
    share = tf.cast(tf.clip_by_value(share, 0.0, 1.0), fine.dtype)
    return fine * (1 - share) + coarse * share
