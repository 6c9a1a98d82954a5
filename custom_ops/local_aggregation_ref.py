"""Local aggregation in plain TensorFlow: one shifted product for every tap of the window."""

import math

import tensorflow as tf

from dualcontrast.custom_ops import implementation


def aggregate(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Returns the operation's output for its checked arguments."""
    if not implementation.derivatives_are_own():
        return _output(weights, values)
    return output(weights, values)


# The derivatives of sum(g * weights * values) by g, by the weights and by the values. Left to
# itself, TensorFlow would keep every shifted product for the gradient.
@tf.custom_gradient
def output(weights, values):
    """[batch, height, width, channels] of weights and padded values."""
    return _output(weights, values), lambda g: (
        weights_gradient(g, values, weights.shape[3], weights.shape[4]),
        values_gradient(weights, g),
    )


def weights_gradient(g, values, taps: int, maps: int):
    """[batch, height, width, taps, maps] of an output's gradient and padded values."""

    @tf.custom_gradient
    def gradient(g, values):
        return _weights(g, values, taps, maps), lambda d: (output(d, values), values_gradient(d, g))

    return gradient(g, values)


@tf.custom_gradient
def values_gradient(weights, g):
    """[batch, height + window - 1, width + window - 1, channels] of an output's gradient."""
    taps, maps = weights.shape[3:]
    return _values(weights, g), lambda d: (weights_gradient(g, d, taps, maps), output(weights, d))


def _sums(x: tf.Tensor) -> tf.Tensor:
    """Returns x in the type that sums are kept in."""
    return x if x.dtype == tf.float64 else tf.cast(x, tf.float32)


def _grouped(x: tf.Tensor, maps: int) -> tf.Tensor:
    """Returns [batch, height, width, groups, maps] of [batch, height, width, channels]."""
    return tf.reshape(_sums(x), tf.concat([tf.shape(x)[:3], [x.shape[3] // maps, maps]], 0))


def _flat(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    channels = x.shape[3] * x.shape[4]
    return tf.cast(tf.reshape(x, tf.concat([tf.shape(x)[:3], [channels]], 0)), dtype)


def _output(weights, values):
    taps, maps = weights.shape[3:]
    window, grouped, factors = math.isqrt(taps), _grouped(values, maps), _sums(weights)
    height, width = tf.shape(weights)[1], tf.shape(weights)[2]
    total = 0
    for tap in range(taps):
        y, x = divmod(tap, window)
        shifted = grouped[:, y : y + height, x : x + width]
        total += factors[:, :, :, tap, None, :] * shifted
    return tf.ensure_shape(_flat(total, values.dtype), [*weights.shape[:3], values.shape[3]])


def _weights(g, values, taps, maps):
    window, upstream, grouped = math.isqrt(taps), _grouped(g, maps), _grouped(values, maps)
    height, width = tf.shape(g)[1], tf.shape(g)[2]
    products = []
    for tap in range(taps):
        y, x = divmod(tap, window)
        shifted = grouped[:, y : y + height, x : x + width]
        products.append(tf.reduce_sum(upstream * shifted, axis=3))
    return tf.cast(tf.stack(products, axis=3), g.dtype)


def _values(weights, g):
    taps, maps = weights.shape[3:]
    window, upstream, factors = math.isqrt(taps), _grouped(g, maps), _sums(weights)
    border = window - 1
    rows = []
    for y in range(window):
        row = 0
        for x in range(window):
            product = factors[:, :, :, y * window + x, None, :] * upstream
            row += tf.pad(product, [[0, 0], [0, 0], [x, border - x], [0, 0], [0, 0]])
        rows.append(tf.pad(row, [[0, 0], [y, border - y], [0, 0], [0, 0], [0, 0]]))
    return _flat(tf.add_n(rows), g.dtype)
