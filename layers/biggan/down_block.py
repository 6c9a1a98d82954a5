"""The block of BigGAN's discriminator."""

import keras

from dualcontrast.layers.biggan import normalised, self_attention
from dualcontrast.layers.sagan import down_block


@keras.saving.register_keras_serializable("dualcontrast", "BigGANDownBlock")
class DownBlock(down_block.DownBlock):
    """SAGAN's block with BigGAN's initialisation and spectral normalisation.

    >>> DownBlock(8, attention=True)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      downsample: halve height and width.
      first: the input is an image, which is not activated.
      attention: whether there is any, after the rest.
    """

    def _residual(self, filters, name):
        return normalised.convolution(filters, 3, name, self.dtype_policy)

    def _shortcut(self, name):
        return normalised.convolution(self.filters, 1, name, self.dtype_policy)

    def _attention(self, name):
        return self_attention.SelfAttention(name=name, dtype=self.dtype_policy)
