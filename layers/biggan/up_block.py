"""The block of BigGAN's generator, which doubles the resolution."""

import keras
import tensorflow as tf

from dualcontrast.layers.biggan import modulated_normalisation, normalised, self_attention
from dualcontrast.layers.sngan import up_block


@keras.saving.register_keras_serializable("dualcontrast", "BigGANUpBlock")
class UpBlock(keras.layers.Layer):
    """Two convolutions at twice the resolution, normalised by a vector, and a shortcut.

    Brock et al. 2019, figure 15; all convolutions are spectrally normalised.

    >>> UpBlock(8)(tf.zeros([2, 4, 4, 16]), tf.zeros([2, 5])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      attention: whether there is any, after the rest.
      hidden: see `ModulatedBatchNormalization`.
    """

    def __init__(self, filters: int, attention: bool = False, hidden: int = 0, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"UpBlock: filters must be >= 1, got {filters}")
        self.filters = filters
        self.attention = attention
        self.hidden = hidden

    def build(self, x_shape, condition_shape):
        dtype = self.dtype_policy
        inner = (*x_shape[:-1], self.filters)
        self.norms, self.convs = [], []
        for k, shape in enumerate((x_shape, inner)):
            norm = modulated_normalisation.ModulatedBatchNormalization(
                self.hidden, name=f"norm{k}", dtype=dtype
            )
            norm.build(shape, condition_shape)
            conv = normalised.convolution(self.filters, 3, f"conv{k}", dtype)
            conv.build(shape)
            self.norms.append(norm)
            self.convs.append(conv)
        self.shortcut = normalised.convolution(self.filters, 1, "shortcut", dtype)
        self.shortcut.build(x_shape)
        self.attend = None
        if self.attention:
            self.attend = self_attention.SelfAttention(name="attend", dtype=dtype)
            self.attend.build(self.compute_output_shape(x_shape, condition_shape))

    def call(self, x, condition, training: bool = False, track: bool = False):
        """Returns [batch, 2 height, 2 width, filters].

        Args:
          x: [batch, height, width, channels].
          condition, training, track: see `ModulatedBatchNormalization`.
        """
        how = {"condition": condition, "training": training, "track": track}
        residual = tf.nn.relu(self.norms[0](x, **how))
        residual = self.convs[0](up_block.doubled(residual))
        residual = tf.nn.relu(self.norms[1](residual, **how))
        # Where all four pixels are alike, so are those that a 1x1 convolution makes of them.
        x = up_block.doubled(self.shortcut(x)) + self.convs[1](residual)
        return x if self.attend is None else self.attend(x)

    def compute_output_shape(self, x_shape, condition_shape):
        batch, height, width, _ = x_shape
        return (batch, 2 * height, 2 * width, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "attention": self.attention,
            "hidden": self.hidden,
        }
