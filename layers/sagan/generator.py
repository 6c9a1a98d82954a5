"""SAGAN's generator."""

import keras

from dualcontrast.layers import spectral_normalisation
from dualcontrast.layers.sagan import normalised, up_block, widths
from dualcontrast.layers.sngan import generator


@keras.saving.register_keras_serializable("dualcontrast", "SAGANGenerator")
class Generator(generator.Generator):
    """SNGAN's generator with spectral normalisation and self-attention (Zhang et al. 2019).

    >>> generator = Generator(32, latent_size=8, width=4, attention_resolution=16)
    >>> generator(tf.ones([2, 8])).shape
    TensorShape([2, 32, 32, 3])

    Args:
      resolution: of the image: 32, 64 or 128.
      channels: of the image: 1, 3 or 4.
      latent_size: width of z.
      width: unit of the blocks' widths, see `widths`; None for 64.
      classes: of the labels that images are made for; 0 for none.
      attention_resolution: side of the maps that attend to themselves, from 8 to half of the
        resolution; None for no attention.
    """

    _WIDTHS = widths.GENERATOR

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        latent_size: int = 128,
        width: int | None = None,
        classes: int = 0,
        attention_resolution: int | None = None,
        **kwargs,
    ):
        super().__init__(resolution, channels, latent_size, width, classes, **kwargs)
        widths.check_attention(attention_resolution, resolution)
        self.attention_resolution = attention_resolution

    def _first_layer(self, units, name):
        return normalised.normalised(keras.layers.Dense(units), name, self.dtype_policy)

    def _block(self, filters, side):
        return up_block.UpBlock(
            filters,
            self.classes,
            attention=side == self.attention_resolution,
            name=f"{side}x{side}",
            dtype=self.dtype_policy,
        )

    def _norm(self, name):
        return normalised.batch_normalisation(name, self.dtype_policy, decay=0.9999)

    def _to_rgb(self, name):
        return normalised.convolution(self.channels, 3, name, self.variable_dtype)

    def update_statistics(self, inputs):
        """Moves the kept moments and every u by a batch, in the steps of either network."""
        super().update_statistics(inputs)
        spectral_normalisation.update_statistics(self, 1)

    def get_config(self):
        return {**super().get_config(), "attention_resolution": self.attention_resolution}
