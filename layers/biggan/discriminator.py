"""BigGAN's discriminator."""

import keras

from dualcontrast.layers import spectral_normalisation
from dualcontrast.layers.biggan import down_block, normalised, widths
from dualcontrast.layers.sagan import discriminator


@keras.saving.register_keras_serializable("dualcontrast", "BigGANDiscriminator")
class Discriminator(discriminator.Discriminator):
    """SAGAN's discriminator, wider, with orthogonal weights at the start (Brock et al. 2019).

    >>> Discriminator(32, width=4, attention_resolution=16)(tf.zeros([2, 32, 32, 3])).shape
    TensorShape([2])

    Args:
      resolution: of the image: 32, 64, 128 or 256.
      channels: of the image: 1, 3 or 4.
      width: unit of the blocks' widths, see `widths`; None for 64 up to 64x64, 96 beyond.
      classes: of the labels that images are judged with; 0 for none.
      attention_resolution: side of the maps that attend to themselves, from 8 to half of the
        resolution; None for no attention.
    """

    _WIDTHS = widths.DISCRIMINATOR
    _BLOCK = down_block.DownBlock
    _INITIALIZER = normalised.ORTHOGONAL

    def _normalised(self, layer, name):
        return spectral_normalisation.SpectralNormalization(
            layer, name=name, dtype=self.variable_dtype
        )

    def update_statistics(self, passes):
        """Moves every u by an iteration for each pass, of reals with fakes beside them for one."""
        spectral_normalisation.update_statistics(self, (passes + 1) // 2)
