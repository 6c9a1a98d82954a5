"""From feature maps to an image: the output branch of every resolution."""

import keras
import tensorflow as tf

from dualcontrast.layers import activation
from dualcontrast.layers.stylegan2 import modulated_conv2d


@keras.saving.register_keras_serializable("dualcontrast")
class ToRGB(keras.layers.Layer):
    """1x1 modulated convolution without demodulation, plus a bias (Karras et al. 2020, figure 7b).

    >>> ToRGB(3)(tf.zeros([2, 16, 16, 8]), tf.zeros([2, 32])).shape
    TensorShape([2, 16, 16, 3])

    Args:
      channels: of the image, at least 1.
      clamp: what the output is clipped to; None for no clipping.
    """

    def __init__(self, channels: int, clamp: float | None = None, **kwargs):
        # No autocast: it would round w, see ModulatedConv2D.
        super().__init__(autocast=False, **kwargs)
        if channels < 1:
            raise ValueError(f"ToRGB: channels must be >= 1, got {channels}")
        self.channels = channels
        self.activation = activation.Activation("linear", clamp)

    def build(self, x_shape, w_shape):
        self.convolution = modulated_conv2d.ModulatedConv2D(
            self.channels, 1, demodulate=False, name="convolution", dtype=self.dtype_policy
        )
        self.convolution.build(x_shape, w_shape)
        self.bias = self.add_weight(
            name="bias", shape=(self.channels,), initializer="zeros", autocast=False
        )

    def call(self, x, w):
        """Returns [batch, height, width, channels], float32 even under mixed precision.

        Args:
          x: [batch, height, width, features].
          w: [batch, w_size].
        """
        image = tf.cast(self.convolution(x, w), self.variable_dtype)
        return self.activation(image, self.bias.value)

    def compute_output_shape(self, x_shape, w_shape):
        return (*x_shape[:-1], self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "clamp": self.activation.clamp,
        }
