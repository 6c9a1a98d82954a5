"""The block of the U-Net's decoder, which doubles the resolution."""

import keras
import tensorflow as tf

from dualcontrast.layers.biggan import normalised
from dualcontrast.layers.sngan.up_block import doubled


@keras.saving.register_keras_serializable("dualcontrast", "UNetUpBlock")
class UpBlock(keras.layers.Layer):
    """Two activated convolutions at twice the resolution, and a shortcut.

    BigGAN's block of the generator with nothing in place of its batch normalisation (Schonfeld et
    al. 2020, their program); all convolutions are spectrally normalised.

    >>> UpBlock(8)(tf.zeros([2, 4, 4, 16])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"UpBlock: filters must be >= 1, got {filters}")
        self.filters = filters

    def build(self, input_shape):
        dtype = self.dtype_policy
        self.convs = [normalised.convolution(self.filters, 3, f"conv{k}", dtype) for k in range(2)]
        self.convs[0].build(input_shape)
        self.convs[1].build((*input_shape[:-1], self.filters))
        self.shortcut = normalised.convolution(self.filters, 1, "shortcut", dtype)
        self.shortcut.build(input_shape)

    def call(self, x, iterations: int = 1):
        """Returns [batch, 2 height, 2 width, filters].

        Args:
          x: [batch, height, width, channels].
          iterations: see `SpectralNormalization`.
        """
        residual = self.convs[0](doubled(tf.nn.relu(x)), iterations=iterations)
        residual = self.convs[1](tf.nn.relu(residual), iterations=iterations)
        # Where all four pixels are alike, so are those that a 1x1 convolution makes of them.
        return doubled(self.shortcut(x, iterations=iterations)) + residual

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, 2 * height, 2 * width, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
