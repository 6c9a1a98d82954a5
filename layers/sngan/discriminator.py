"""SNGAN's residual discriminator."""

import keras
import tensorflow as tf

from dualcontrast.layers.sngan import base, down_block, widths
from dualcontrast.layers.spectral_normalisation import SpectralNormalization


@keras.saving.register_keras_serializable("dualcontrast", "SNGANDiscriminator")
class Discriminator(base.Discriminator):
    """The residual discriminator, spectrally normalised (Miyato et al. 2018, tables 4 to 6).

    >>> Discriminator(32, width=4)(tf.zeros([2, 32, 32, 3])).shape
    TensorShape([2])

    Args:
      resolution: of the image: 32, 64, 128 or 256.
      channels: of the image: 1, 3 or 4.
      width: unit of the blocks' widths, see `widths`; None for 128 at 32, 64 at the others.
    """

    def __init__(self, resolution: int, channels: int = 3, width: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self._widths = widths.find(widths.DISCRIMINATOR, resolution, width)
        base.check_channels(channels)
        self.resolution = resolution
        self.channels = channels
        self.width = width

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is that of the images, known already."""
        shape = base.image_shape(self, input_shape)
        last_down = len(self._widths.factors) - self._widths.flat
        self.blocks = []
        for k, factor in enumerate(self._widths.factors):
            block = down_block.DownBlock(
                self._widths.width * factor,
                downsample=k < last_down,
                first=k == 0,
                name=f"block{k}",
                dtype=self.dtype_policy,
            )
            block.build(shape)
            shape = block.compute_output_shape(shape)
            self.blocks.append(block)
        # In the variables' float32 under mixed precision: logits feed exponentials.
        self.logit = SpectralNormalization(
            keras.layers.Dense(1, use_bias=self.resolution > 32),
            name="logit",
            dtype=self.variable_dtype,
        )
        self.logit.build((None, shape[-1]))
        self.built = True

    def call(self, images, iterations: int = 1):
        """Returns logits, [batch] float32: larger means more real.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          iterations: see `SpectralNormalization`.
        """
        x = images
        for block in self.blocks:
            x = block(x, iterations=iterations)
        x = tf.reduce_sum(tf.cast(tf.nn.relu(x), self.variable_dtype), axis=[1, 2])
        return self.logit(x, iterations=iterations)[:, 0]

    def compute_output_shape(self, input_shape):
        return (input_shape[0],)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "width": self.width,
        }
