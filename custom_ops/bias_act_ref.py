"""Bias, noise and activation in plain TensorFlow."""

import functools

import tensorflow as tf

from dualcontrast.custom_ops import implementation


def bias_act(x: tf.Tensor, bias: tf.Tensor, noise: tf.Tensor, function) -> tf.Tensor:
    """Returns what the operation returns, for its checked arguments.

    Args:
      x: [..., channels].
      bias: [channels], or [0] for none.
      noise: [..., 1], or [0] for none.
      function: a `bias_act.Activation`.
    """
    if noise.shape != [0]:
        x = x + tf.cast(noise, x.dtype)
    if bias.shape != [0]:
        bias = tf.cast(bias, x.dtype)
        x = tf.nn.bias_add(x, bias) if x.shape.rank > 1 else x + bias
    if function.is_linear:
        return _value(x, function)
    if function.in_pieces and implementation.derivatives_are_own():
        return _in_pieces(x, function)
    return _clip(_value(x, function), function)


def _value(x: tf.Tensor, function) -> tf.Tensor:
    activations = {
        "linear": tf.identity,
        "lrelu": functools.partial(tf.nn.leaky_relu, alpha=function.slope),
        "relu": tf.nn.relu,
        "sigmoid": tf.sigmoid,
        "tanh": tf.tanh,
        # tf.nn.silu has a derivative of its own, which a SavedModel does not keep.
        "swish": lambda x: x * tf.sigmoid(x),
    }
    y = activations[function.name](x)
    return y if function.gain == 1 else y * tf.cast(function.gain, x.dtype)


def _clip(y: tf.Tensor, function) -> tf.Tensor:
    if not function.clamp:
        return y
    limit = tf.cast(function.clamp, y.dtype)
    # By multiplication: unlike the gradient of clip_by_value, this one is zero at the limit.
    inside = tf.cast(tf.abs(y) < limit, y.dtype)
    return tf.where(inside > 0, y, tf.sign(y) * limit)


def _in_pieces(x: tf.Tensor, function) -> tf.Tensor:
    @tf.custom_gradient
    def forward(x):
        # The output has the input's sign, so the input need not be kept for the gradient.
        y = _clip(_value(x, function), function)
        return y, lambda dy: _gradient(dy, y, function)

    return forward(x)


def _gradient(dy: tf.Tensor, y: tf.Tensor, function) -> tf.Tensor:
    @tf.custom_gradient
    def gradient(dy, y):
        dx = dy
        if function.name != "linear":
            slope = function.slope if function.name == "lrelu" else 0.0
            dx = tf.raw_ops.LeakyReluGrad(gradients=dy, features=y, alpha=slope)
        if function.gain != 1:
            dx = dx * tf.cast(function.gain, dx.dtype)
        if function.clamp:
            dx = tf.where(tf.abs(y) < tf.cast(function.clamp, y.dtype), dx, tf.zeros_like(dx))
        # None: y decides only between two slopes. TensorFlow's own second derivative sends
        # full-size zeros back through everything that made y.
        return dx, lambda ddx: (_gradient(ddx, y, function), None)

    return gradient(dy, y)
