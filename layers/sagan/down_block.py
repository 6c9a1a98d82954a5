"""The block of SAGAN's discriminator."""

import keras

from dualcontrast.layers.sagan import normalised, self_attention
from dualcontrast.layers.sngan import down_block


@keras.saving.register_keras_serializable("dualcontrast", "SAGANDownBlock")
class DownBlock(down_block.DownBlock):
    """SNGAN's block, between the convolutions as wide as its output, and perhaps self-attention.

    >>> DownBlock(8, attention=True)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      downsample: halve height and width.
      first: the input is an image, which is not activated.
      attention: whether there is any, after the rest.
    """

    def __init__(
        self,
        filters: int,
        downsample: bool = True,
        first: bool = False,
        attention: bool = False,
        **kwargs,
    ):
        super().__init__(filters, downsample, first, **kwargs)
        self.attention = attention

    def build(self, input_shape):
        super().build(input_shape)
        self.attend = None
        if self.attention:
            self.attend = self._attention("attend")
            self.attend.build(self.compute_output_shape(input_shape))

    def _hidden(self, channels):
        return self.filters

    def _residual(self, filters, name):
        return normalised.convolution(filters, 3, name, self.dtype_policy)

    def _shortcut(self, name):
        return normalised.convolution(self.filters, 1, name, self.dtype_policy)

    def _attention(self, name):
        return self_attention.SelfAttention(name=name, dtype=self.dtype_policy)

    def call(self, x, iterations: int = 1):
        """Returns [batch, height, width, filters], half as high and wide if it downsamples.

        Args:
          x: [batch, height, width, channels].
          iterations: see `SpectralNormalization`.
        """
        x = super().call(x, iterations)
        return x if self.attend is None else self.attend(x, iterations=iterations)

    def get_config(self):
        return {**super().get_config(), "attention": self.attention}
