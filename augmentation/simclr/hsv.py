"""Hue, saturation and value."""

import math

import tensorflow as tf


def shift(rgb: tf.Tensor, turn: tf.Tensor, saturation: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Returns images with another hue, saturation and value, in [0, 1].

    The way there has the angle of the colour in the plane of hues, the way back the hexagon's hue,
    as in ContraD: 1.2 degrees apart at most, so that a turn of 0 changes colours by up to 0.012.

    Args:
      rgb: [..., 3] float32, nominally in [0, 1].
      turn: of the hue; 1 is all around.
      saturation, value: factors; the products are cut to [0, 1].
    """
    h, s, v = tf.unstack(of_rgb(rgb)[..., None, :], axis=-1)
    s, v = tf.clip_by_value(s * saturation, 0, 1), tf.clip_by_value(v * value, 0, 1)
    # Where each of red, green and blue is on the hexagon.
    place = ((h + turn) * 6 + tf.constant([5.0, 3.0, 1.0])) % 6
    return v - v * s * tf.clip_by_value(tf.minimum(place, 4 - place), 0, 1)


def of_rgb(rgb: tf.Tensor) -> tf.Tensor:
    """Returns hue, saturation and value, [..., 3] float32; hue is in turns, 0 of greys.

    Args:
      rgb: [..., 3] float32, nominally in [0, 1].
    """
    red, green, blue = tf.unstack(rgb, axis=-1)
    most, least = tf.reduce_max(rgb, axis=-1), tf.reduce_min(rgb, axis=-1)
    x, y = 2 * red - green - blue, math.sqrt(3) * (green - blue)
    # A grey has no hue, and the angle of (0, 0) no derivative.
    angle = tf.atan2(y, tf.where(most > least, x, 1.0))
    hue = (angle / (2 * math.pi)) % 1
    return tf.stack([hue, tf.math.divide_no_nan(most - least, most), most], axis=-1)
