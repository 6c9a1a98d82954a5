"""The two activations of StyleGAN2, each with the gain that keeps unit variance."""

import math

import tensorflow as tf

from dualcontrast.custom_ops import derivatives

# Of the leaky ReLU below zero.
SLOPE = 0.2


class Activation:
    """Leaky ReLU of slope 0.2 or the identity; `gain` is what the layer multiplies its output by.

    Both are positively homogeneous, so layers multiply their weights and biases by `gain`, which is
    small work, in place of the activations.

    Args:
      name: "linear" (gain 1) or "leaky_relu" (gain sqrt 2; StyleGAN2 puts it here, not in the
        weights).
    """

    def __init__(self, name: str):
        if name not in ("linear", "leaky_relu"):
            raise ValueError(f"activation must be 'linear' or 'leaky_relu', got {name!r}")
        self.name = name
        self.gain = math.sqrt(2) if name == "leaky_relu" else 1.0

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        if self.name == "linear":
            return x
        return _leaky_relu(x) if derivatives.are_own() else tf.nn.leaky_relu(x, SLOPE)


@tf.custom_gradient
def _leaky_relu(x):
    # The output has the input's sign, so the input need not be kept for the gradient.
    y = tf.nn.leaky_relu(x, SLOPE)
    return y, lambda dy: _leaky_relu_gradient(dy, y)


@tf.custom_gradient
def _leaky_relu_gradient(dy, y):
    # None: y decides only between two slopes. TensorFlow's own second derivative sends
    # full-size zeros back through everything that made y.
    dx = tf.raw_ops.LeakyReluGrad(gradients=dy, features=y, alpha=SLOPE)
    return dx, lambda ddx: (_leaky_relu_gradient(ddx, y), None)
