"""R3GAN's convolution: of channels in groups, without a bias or with one before an activation."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import bias_act, grouped_conv2d
from dualcontrast.layers.activation import SLOPE

# Keeps the variance through a leaky ReLU of this slope (He et al. 2015).
LEAKY_RELU_GAIN = (2 / (1 + SLOPE**2)) ** 0.5


@keras.saving.register_keras_serializable("dualcontrast", "R3GANConvolution")
class Convolution(keras.layers.Layer):
    """A convolution that keeps height and width; then, perhaps, a bias and a leaky ReLU.

    Huang et al. 2024. Weights begin as N(0, gain / sqrt(fan_in)), biases as 0. The activation has
    no gain of its own.

    >>> Convolution(8, 3, groups=2)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 16, 16, 8])

    Args:
      filters: output channels, divisible by the groups.
      kernel_size: side of the kernel, 1 or 3.
      groups: of channels that do not meet.
      gain: of the first weights; with 0 they are zeros.
      activated: whether bias and activation follow.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        groups: int = 1,
        gain: float = 1.0,
        activated: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size not in (1, 3):
            raise ValueError(f"Convolution: kernel_size must be 1 or 3, got {kernel_size}")
        if min(filters, groups) < 1 or filters % groups:
            raise ValueError(
                f"Convolution: groups must be >= 1 and divide the filters, got {groups} of"
                f" {filters}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.groups = groups
        self.gain = gain
        self.activated = activated

    def build(self, input_shape):
        channels = int(input_shape[-1])
        if channels % self.groups:
            raise ValueError(f"Convolution: {self.groups} groups do not divide {channels} channels")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels // self.groups, self.filters),
            initializer=first_weights(self.gain),
            autocast=False,
        )
        if self.activated:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros", autocast=False
            )

    def call(self, x):
        """Returns [batch, height, width, filters].

        Args:
          x: [batch, height, width, channels].
        """
        x = grouped_conv2d.grouped_conv2d(x, tf.cast(self.kernel.value, x.dtype))
        if not self.activated:
            return x
        return bias_act.bias_act(x, self.bias.value, activation="lrelu", slope=SLOPE)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "groups": self.groups,
            "gain": self.gain,
            "activated": self.activated,
        }


def first_weights(gain: float = 1.0) -> keras.initializers.Initializer:
    """Returns N(0, gain / sqrt(fan_in)); a new one for each layer, or layers would begin alike."""
    if gain == 0:
        return keras.initializers.Zeros()
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")
