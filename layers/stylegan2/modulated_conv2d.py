"""Convolution whose input channels are scaled by a style, and whose output is demodulated."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import conv2d, upfirdn2d
from dualcontrast.layers import equalized_dense


@keras.saving.register_keras_serializable("dualcontrast")
class ModulatedConv2D(keras.layers.Layer):
    """Modulated convolution (Karras et al. 2020, equations 1 to 3), without bias or activation.

    With style s = A(w) + 1 and kernel W, sample n is convolved with s_n W d_n, where the
    demodulation d_n,o = rsqrt(sum over taps and input channels of (s_n W)^2 + 1e-8) brings every
    output map to unit variance. Computed unfused: scale the input, convolve once with the shared
    kernel, scale the output; equal to the grouped form and as fast as a plain convolution.

    With `upsample`, a transposed convolution of stride 2 and then the [1, 3, 3, 1] filter. Its
    kernel is stored as tf.nn.conv2d_transpose takes it, [taps, taps, filters, channels]: spatially
    flipped against StyleGAN2's, which correlates.

    >>> layer = ModulatedConv2D(8, 3, upsample=True)
    >>> layer(tf.zeros([2, 16, 16, 4]), tf.zeros([2, 32])).shape
    TensorShape([2, 32, 32, 8])

    Args:
      filters: output channels, at least 1.
      kernel_size: odd side of the kernel; 3 with `upsample`.
      upsample: double height and width.
      demodulate: normalise the output maps; ToRGB does not.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        upsample: bool = False,
        demodulate: bool = True,
        **kwargs,
    ):
        # Keras would round w to the compute type before the style layer sees it.
        super().__init__(autocast=False, **kwargs)
        if filters < 1:
            raise ValueError(f"ModulatedConv2D: filters must be >= 1, got {filters}")
        if kernel_size < 1 or kernel_size % 2 == 0 or (upsample and kernel_size != 3):
            raise ValueError(
                f"ModulatedConv2D: kernel_size must be odd, and 3 with upsample, got {kernel_size}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.upsample = upsample
        self.demodulate = demodulate
        self.lowpass = upfirdn2d.lowpass()

    def build(self, x_shape, w_shape):
        channels = int(x_shape[-1])
        self.scale = 1 / (channels * self.kernel_size**2) ** 0.5
        ends = (self.filters, channels) if self.upsample else (channels, self.filters)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, *ends),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )
        # Styles and demodulation keep the variables' precision: bfloat16 has three digits.
        self.style = equalized_dense.EqualizedDense(
            channels, name="style", dtype=self.variable_dtype
        )
        self.style.build(w_shape)

    def call(self, x, w, gain: float = 1.0):
        """Returns the convolved `x` times `gain`.

        Args:
          x: [batch, height, width, channels].
          w: [batch, w_size], the layer's disentangled latents.
          gain: a factor on the output, folded into the demodulation.
        """
        kernel = self.kernel.value
        x = tf.cast(x, self.compute_dtype)
        style = (self.style(w) + 1.0) * self.scale
        x = x * _per_channel(style, x.dtype)
        x = self._convolve(x, tf.cast(kernel, x.dtype))
        if self.demodulate:
            energy = tf.reduce_sum(tf.square(kernel), axis=[0, 1])
            variance = tf.matmul(tf.square(style), energy, transpose_b=self.upsample)
            x = x * _per_channel(tf.math.rsqrt(variance + 1e-8) * gain, x.dtype)
        elif gain != 1.0:
            x = x * gain
        return x

    def _convolve(self, x, kernel):
        if not self.upsample:
            return conv2d.conv2d(x, kernel)
        x = conv2d.conv2d_transpose(x, kernel)
        return upfirdn2d.upfirdn2d(x, self.lowpass, padding=(1, 1), gain=4.0)

    def compute_output_shape(self, x_shape, w_shape):
        batch, height, width, _ = x_shape
        factor = 2 if self.upsample else 1
        return (batch, height * factor, width * factor, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "upsample": self.upsample,
            "demodulate": self.demodulate,
        }


def _per_channel(scale: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return tf.cast(scale[:, None, None, :], dtype)
