"""StyleGAN's convolution, which can double or halve its input through a blur."""

import math

import keras
import tensorflow as tf

from dualcontrast.custom_ops import conv2d, upfirdn2d
from dualcontrast.layers import activation as activations

RESAMPLINGS = ("none", "up", "down")


@keras.saving.register_keras_serializable("dualcontrast", "StyleGANConvolution")
class Convolution(keras.layers.Layer):
    """Convolution with weights scaled by gain / sqrt(fan_in), a bias and an activation.

    Karras et al. 2019: upwards the nearest pixel, the 3x3 convolution and a [1, 2, 1] blur; down
    the blur, the convolution and the mean of 2x2 pixels. From 128x128 on, their program computes
    this as one convolution of stride 2 with the sums of four shifted kernels. Both are a 3x3
    convolution of stride 2, or its transpose, with a [1, 1] filter beside it, which is how it is
    computed here. The kernel of `up` is that of the transpose, as in their form for large images:
    turned by 180 degrees it is that of their form for small ones.

    Unlike StyleGAN2's layers, the gain is on the weights alone, not on the bias.

    >>> Convolution(8, 3, "down")(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      kernel_size: 3, or 1 without resampling.
      resampling: "none", "up" or "down".
      gain: of the weights; the square root of 2 suits a leaky ReLU.
      use_bias: add a bias per channel.
      activation: "linear" or "leaky_relu".
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        resampling: str = "none",
        gain: float = math.sqrt(2),
        use_bias: bool = True,
        activation: str = "leaky_relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"Convolution: filters must be >= 1, got {filters}")
        if resampling not in RESAMPLINGS:
            raise ValueError(
                f"Convolution: resampling must be one of {RESAMPLINGS}, got {resampling!r}"
            )
        if kernel_size != 3 and (kernel_size != 1 or resampling != "none"):
            raise ValueError(
                "Convolution: kernel_size must be 3, or 1 without resampling, got "
                f"{kernel_size} with {resampling!r}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.resampling = resampling
        self.gain = gain
        self.use_bias = use_bias
        self.activation = activations.Activation(activation)
        self.box = upfirdn2d.lowpass((1.0, 1.0))
        self.blur = upfirdn2d.lowpass((1.0, 2.0, 1.0))

    def build(self, input_shape):
        channels = int(input_shape[-1])
        self.scale = self.gain / (channels * self.kernel_size**2) ** 0.5
        ends = (channels, self.filters)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size,) * 2 + (ends[::-1] if self.resampling == "up" else ends),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros", autocast=False
            )

    def call(self, x):
        """Returns [batch, height, width, filters], of twice or half the sides where it resamples.

        Args:
          x: [batch, height, width, channels].
        """
        kernel = tf.cast(self.kernel.value * self.scale, x.dtype)
        x = self._convolve(x, kernel)
        return self.activation(x, self.bias.value if self.use_bias else None)

    def _convolve(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        if self.resampling == "none":
            return conv2d.conv2d(x, kernel)
        if self.resampling == "up":
            # Gain 4: the box then repeats pixels, where it else would average them.
            x = upfirdn2d.upfirdn2d(conv2d.conv2d_transpose(x, kernel), self.box, gain=4.0)
            return upfirdn2d.filter_2d(x, self.blur)
        # Not one filter [1, 3, 3, 1]: at the border each of the two sees zeros around its input.
        x = upfirdn2d.filter_2d(x, self.blur)
        return conv2d.conv2d(upfirdn2d.upfirdn2d(x, self.box, padding=(1, 1)), kernel, stride=2)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        if self.resampling == "up":
            height, width = 2 * height, 2 * width
        elif self.resampling == "down":
            height, width = height // 2, width // 2
        return (batch, height, width, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "resampling": self.resampling,
            "gain": self.gain,
            "use_bias": self.use_bias,
            "activation": self.activation.name,
        }
