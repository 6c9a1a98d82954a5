"""The block of the ResNet-18 without batch normalisation."""

import keras
import tensorflow as tf

from dualcontrast.layers import activation, head
from dualcontrast.layers.spectral_normalisation import SpectralNormalization

_SLOPE = 0.1  # of the leaky ReLU below zero


@keras.saving.register_keras_serializable("dualcontrast")
class BasicBlock(keras.layers.Layer):
    """Two convolutions and a shortcut, spectrally normalised, activated after the sum.

    He et al. 2016, without batch normalisation (Jeong and Shin 2021, SNResNet-18).

    >>> BasicBlock(8, stride=2)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      stride: of the first convolution and of the shortcut.
    """

    def __init__(self, filters: int, stride: int = 1, **kwargs):
        super().__init__(**kwargs)
        if min(filters, stride) < 1:
            raise ValueError(
                f"BasicBlock: filters and stride must be >= 1, got {filters} and {stride}"
            )
        self.filters = filters
        self.stride = stride

    def build(self, input_shape):
        channels = int(input_shape[-1])
        self.convs = [
            convolution(channels, self.filters, 3, self.stride, "conv0", self.dtype_policy),
            convolution(self.filters, self.filters, 3, 1, "conv1", self.dtype_policy),
        ]
        self.shortcut = None
        if self.stride != 1 or self.filters != channels:
            self.shortcut = convolution(
                channels, self.filters, 1, self.stride, "shortcut", self.dtype_policy
            )

    def call(self, x, iterations: int = 1):
        """Returns [batch, height / stride, width / stride, filters].

        Args:
          x: [batch, height, width, channels].
          iterations: see `SpectralNormalization`.
        """
        residual = activation.leaky_relu(self.convs[0](padded(x), iterations=iterations), _SLOPE)
        residual = self.convs[1](padded(residual), iterations=iterations)
        if self.shortcut is not None:
            x = self.shortcut(x, iterations=iterations)
        return activation.leaky_relu(residual + x, _SLOPE)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, -(-height // self.stride), -(-width // self.stride), self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "stride": self.stride}


def convolution(
    channels: int, filters: int, side: int, stride: int, name: str, dtype
) -> SpectralNormalization:
    """Returns a built convolution of what is padded, of uniform weights and biases at the start."""
    weights = head.first_weights(side * side * channels)
    layer = keras.layers.Conv2D(filters, side, stride, "valid", **weights)
    found = SpectralNormalization(layer, name=name, dtype=dtype)
    found.build((None, None, None, channels))
    return found


def padded(x: tf.Tensor) -> tf.Tensor:
    """Returns maps with a frame of zeros, also where a stride of 2 would need it on two sides."""
    return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
