"""The block of SAGAN's generator."""

import keras

from dualcontrast.layers.sagan import normalised, self_attention
from dualcontrast.layers.sngan import up_block


@keras.saving.register_keras_serializable("dualcontrast", "SAGANUpBlock")
class UpBlock(up_block.UpBlock):
    """SNGAN's block, spectrally normalised, and perhaps self-attention after it.

    >>> UpBlock(8, attention=True)(tf.zeros([2, 4, 4, 16])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      classes: of the labels that the normalisations are given; 0 for none.
      attention: whether there is any.
    """

    def __init__(self, filters: int, classes: int = 0, attention: bool = False, **kwargs):
        super().__init__(filters, classes, **kwargs)
        self.attention = attention

    def build(self, input_shape):
        super().build(input_shape)
        self.attend = None
        if self.attention:
            self.attend = self_attention.SelfAttention(name="attend", dtype=self.dtype_policy)
            self.attend.build(self.compute_output_shape(input_shape))

    def _norm(self, name):
        return normalised.batch_normalisation(name, self.dtype_policy, classes=self.classes)

    def _residual(self, name):
        return normalised.convolution(self.filters, 3, name, self.dtype_policy)

    def _shortcut(self, name):
        return normalised.convolution(self.filters, 1, name, self.dtype_policy)

    def call(self, x, labels=None, training: bool = False, track: bool = False):
        """Returns [batch, 2 height, 2 width, filters].

        Args:
          x: [batch, height, width, channels].
          labels, training, track: see `BatchNormalization`.
        """
        x = super().call(x, labels, training, track)
        return x if self.attend is None else self.attend(x)

    def get_config(self):
        return {**super().get_config(), "attention": self.attention}
