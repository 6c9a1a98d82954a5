"""SAGAN's discriminator."""

import keras

from dualcontrast.layers import networks, spectral_normalisation
from dualcontrast.layers.sagan import down_block, normalised, widths
from dualcontrast.layers.sngan import discriminator


@keras.saving.register_keras_serializable("dualcontrast", "SAGANDiscriminator")
class Discriminator(discriminator.Discriminator):
    """SNGAN's discriminator with self-attention and wider blocks (Zhang et al. 2019).

    >>> Discriminator(32, width=4, attention_resolution=16)(tf.zeros([2, 32, 32, 3])).shape
    TensorShape([2])

    Args:
      resolution: of the image: 32, 64 or 128.
      channels: of the image: 1, 3 or 4.
      width: unit of the blocks' widths, see `widths`; None for 64.
      classes: of the labels that images are judged with; 0 for none.
      attention_resolution: side of the maps that attend to themselves, from 8 to half of the
        resolution; None for no attention.
    """

    _WIDTHS = widths.DISCRIMINATOR
    _BLOCK = down_block.DownBlock
    _logit_has_bias = True

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        width: int | None = None,
        classes: int = 0,
        attention_resolution: int | None = None,
        **kwargs,
    ):
        super().__init__(resolution, channels, width, classes, **kwargs)
        widths.check_attention(attention_resolution, resolution)
        self.attention_resolution = attention_resolution

    def _block(self, index, filters, downsample):
        # Those that do not downsample come last, after all sides that attention may have.
        attention = downsample and self.resolution >> index + 1 == self.attention_resolution
        return self._BLOCK(
            filters,
            downsample,
            index == 0,
            attention,
            name=f"block{index}",
            dtype=self.dtype_policy,
        )

    def _normalised(self, layer, name):
        return normalised.normalised(layer, name, self.variable_dtype)

    def compare(self, reals, fakes, references, judge_reals):
        """Returns the outputs of reals, None if they are not judged, and of fakes.

        Both are judged with one iteration from the kept u, hence with the same kernels.
        """
        return networks.Discriminator.compare(self, reals, fakes, references, judge_reals)

    def update_statistics(self, passes):
        """Moves every u by an iteration for each pass of reals, which are judged beside fakes.

        In SAGAN's program a pass of fakes leaves u as it is. A pass alone is of the fakes in a
        generator's step, or of a penalty, which the program does not have.
        """
        spectral_normalisation.update_statistics(self, passes // 2)

    def get_config(self):
        return {**super().get_config(), "attention_resolution": self.attention_resolution}
