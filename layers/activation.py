"""The two activations of StyleGAN2, each with the gain that keeps unit variance."""

import math

import tensorflow as tf


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
        return tf.nn.leaky_relu(x, 0.2) if self.name == "leaky_relu" else x
