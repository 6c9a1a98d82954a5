"""Affine maps of the plane, [images, 3, 3] each: they act on (x, y, 1), y pointing down."""

import tensorflow as tf


def translation(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Returns moves by [images] x and y."""
    one, zero = tf.ones_like(x), tf.zeros_like(x)
    return _matrix([[one, zero, x], [zero, one, y], [zero, zero, one]])


def scaling(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Returns scalings about the origin by [images] x and y."""
    one, zero = tf.ones_like(x), tf.zeros_like(x)
    return _matrix([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def rotation(angle: tf.Tensor) -> tf.Tensor:
    """Returns rotations about the origin, from x to y, by [images] angles in radians."""
    one, zero = tf.ones_like(angle), tf.zeros_like(angle)
    cos, sin = tf.cos(angle), tf.sin(angle)
    return _matrix([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def _matrix(rows: list[list[tf.Tensor]]) -> tf.Tensor:
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=-2)
