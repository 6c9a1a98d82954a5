"""Convolution with an equalised learning rate that can halve its input: the discriminator's."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import conv2d, upfirdn2d
from dualcontrast.layers import activation as activations


@keras.saving.register_keras_serializable("dualcontrast")
class EqualizedConv2D(keras.layers.Layer):
    """Convolution with weights scaled by 1 / sqrt(fan_in), optionally after a low-pass filter.

    StyleGAN2's convolution, and with `downsample` its conv_downsample_2d: the [1, 3, 3, 1] filter,
    then the convolution with stride 2.

    >>> EqualizedConv2D(8, 3, downsample=True)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      kernel_size: odd side of the kernel.
      downsample: halve height and width.
      activation: "linear" or "leaky_relu".
      use_bias: add a bias per channel.
      clamp: what the output is clipped to; None for no clipping.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        downsample: bool = False,
        activation: str = "leaky_relu",
        use_bias: bool = True,
        clamp: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"EqualizedConv2D: filters must be >= 1, got {filters}")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"EqualizedConv2D: kernel_size must be odd, got {kernel_size}")
        self.filters = filters
        self.kernel_size = kernel_size
        self.downsample = downsample
        self.activation = activations.Activation(activation, clamp)
        self.use_bias = use_bias
        self.lowpass = upfirdn2d.lowpass()

    def build(self, input_shape):
        channels = int(input_shape[-1])
        self.scale = self.activation.gain / (channels * self.kernel_size**2) ** 0.5
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros", autocast=False
            )

    def call(self, x, gain: float = 1.0):
        """Returns the convolved and activated `x` times `gain`, which is folded into the weights.

        Args:
          x: [batch, height, width, channels].
          gain: a factor on the output, positive.
        """
        kernel = tf.cast(self.kernel.value * (self.scale * gain), x.dtype)
        if not self.downsample:
            x = conv2d.conv2d(x, kernel)
        elif self.kernel_size == 1:
            # Only every second filtered pixel meets a 1x1 kernel: filter and decimate at once.
            x = conv2d.conv2d(upfirdn2d.downsample_2d(x, self.lowpass), kernel)
        else:
            slack = len(self.lowpass) - 2 + self.kernel_size - 1
            x = upfirdn2d.upfirdn2d(x, self.lowpass, padding=((slack + 1) // 2, slack // 2))
            x = conv2d.conv2d(x, kernel, stride=2)
        bias = self.bias.value * (gain * self.activation.gain) if self.use_bias else None
        return self.activation(x, bias, gain=gain)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        factor = 2 if self.downsample else 1
        return (batch, height // factor, width // factor, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "downsample": self.downsample,
            "activation": self.activation.name,
            "use_bias": self.use_bias,
            "clamp": self.activation.clamp,
        }
