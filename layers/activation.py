"""The two activations of StyleGAN2 with the gain that keeps unit variance, and a leaky ReLU."""

import math

import tensorflow as tf

from dualcontrast.custom_ops import bias_act

# Of the leaky ReLU below zero.
SLOPE = 0.2


class Activation:
    """Leaky ReLU of slope 0.2 or the identity; `gain` is what the layer multiplies its output by.

    Both are positively homogeneous, so layers multiply their weights and biases by `gain`, which is
    small work, in place of the activations.

    Args:
      name: "linear" (gain 1) or "leaky_relu" (gain sqrt 2; StyleGAN2 puts it here, not in the
        weights).
      clamp: what the output is clipped to, from -clamp to clamp; None for no clipping.
    """

    def __init__(self, name: str, clamp: float | None = None):
        if name not in ("linear", "leaky_relu"):
            raise ValueError(f"activation must be 'linear' or 'leaky_relu', got {name!r}")
        if clamp is not None and clamp <= 0:
            raise ValueError(f"clamp must be above 0, got {clamp}")
        self.name = name
        self.clamp = clamp
        self.gain = math.sqrt(2) if name == "leaky_relu" else 1.0

    def __call__(
        self,
        x: tf.Tensor,
        bias: tf.Tensor | None = None,
        noise: tf.Tensor | None = None,
        gain: float = 1.0,
    ) -> tf.Tensor:
        """Returns the activation of x + bias + noise, clipped, in one pass over `x`.

        Args:
          x: [..., channels].
          bias: [channels], or None.
          noise: [batch or 1, ..., 1], or None.
          gain: a factor that the layer has put into what it hands over, and that its bounds get.
        """
        activation = "lrelu" if self.name == "leaky_relu" else "linear"
        clamp = None if self.clamp is None else self.clamp * gain
        if activation == "linear" and bias is None and noise is None and clamp is None:
            return x
        return bias_act.bias_act(x, bias, noise, activation=activation, slope=SLOPE, clamp=clamp)


def leaky_relu(x: tf.Tensor, slope: float) -> tf.Tensor:
    """Returns x above zero, and slope * x below.

    Not tf.nn.leaky_relu: behind a convolution with a bias and a sum TensorFlow 2.21 computes it in
    oneDNN with a slope of 0.2, whatever was asked for.

    Args:
      x: of any shape.
      slope: from 0 to 1.
    """
    return tf.maximum(x, slope * x)
