"""The block of the decoder upon StyleGAN2's discriminator, which doubles the resolution."""

import math

import keras
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers import equalized_conv2d


@keras.saving.register_keras_serializable("dualcontrast", "UNetStyleGAN2UpBlock")
class StyleGAN2UpBlock(keras.layers.Layer):
    """Residual block that doubles its input: (convolutions + 1x1 skip) / sqrt(2).

    The mirror of StyleGAN2's block of the discriminator: maps are doubled by its filter, then both
    convolutions see them with those of the encoder behind them; the skip sees them alone. Our
    proposal: Yu et al. 2021, who adapted U-Net GAN to StyleGAN2, do not say how.

    >>> StyleGAN2UpBlock(8)(tf.zeros([2, 4, 4, 16]), tf.zeros([2, 8, 8, 6])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      clamp: what the output of both convolutions is clipped to; None for no clipping.
    """

    def __init__(self, filters: int, clamp: float | None = None, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"StyleGAN2UpBlock: filters must be >= 1, got {filters}")
        self.filters = filters
        self.clamp = clamp
        self.lowpass = upfirdn2d.lowpass()

    def build(self, x_shape, encoded_shape):
        convolution, policy = equalized_conv2d.EqualizedConv2D, self.dtype_policy
        self.convs = [
            convolution(self.filters, 3, clamp=self.clamp, name=f"conv{k}", dtype=policy)
            for k in range(2)
        ]
        self.convs[0].build((*encoded_shape[:-1], x_shape[-1] + encoded_shape[-1]))
        self.convs[1].build((*encoded_shape[:-1], self.filters))
        self.skip = convolution(
            self.filters, 1, activation="linear", use_bias=False, name="skip", dtype=policy
        )
        self.skip.build(x_shape)

    def call(self, x, encoded):
        """Returns [batch, 2 height, 2 width, filters].

        Args:
          x: [batch, height, width, channels].
          encoded: [batch, 2 height, 2 width, any channels], of the encoder.
        """
        x = upfirdn2d.upsample_2d(x, self.lowpass)
        y = tf.concat([x, encoded], axis=-1)
        for convolution in self.convs:
            y = convolution(y)
        return (y + self.skip(x)) * (1 / math.sqrt(2))

    def compute_output_shape(self, x_shape, encoded_shape):
        batch, height, width, _ = x_shape
        return (batch, 2 * height, 2 * width, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "clamp": self.clamp}
