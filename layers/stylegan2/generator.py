"""The generator: mapping, style mixing, truncation, synthesis."""

import keras

from dualcontrast.layers import style_generator
from dualcontrast.layers.stylegan2 import mapping_network, synthesis_network


@keras.saving.register_keras_serializable("dualcontrast")
class Generator(style_generator.StyleGenerator):
    """StyleGAN2's generator (config E with the default widths).

    >>> generator = Generator(16, latent_size=32, w_size=32, fmap_base=64, fmap_max=8)
    >>> generator(tf.ones([2, 32])).shape
    TensorShape([2, 16, 16, 3])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      latent_size: width of z.
      w_size: width of w.
      mapping_layers: depth of the mapping network.
      mapping_learning_rate_multiplier: of the mapping network against the rest.
      fmap_base, fmap_max: widths; 8192 and 512 are config E, 16384 and 512 config F.
      style_mixing_probability: of a second latent from some layer on, in training.
      w_mean_decay: of the tracked mean of w, in [0, 1].
      attention, attention_resolution, attention_in_both, normalize_style, conv_clamp: see
        `SynthesisNetwork`.
      classes: of the labels that images are made for; 0 for none.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        latent_size: int = 512,
        w_size: int = 512,
        mapping_layers: int = 8,
        mapping_learning_rate_multiplier: float = 0.01,
        fmap_base: int = 8192,
        fmap_max: int = 512,
        style_mixing_probability: float = 0.9,
        w_mean_decay: float = 0.995,
        attention=None,
        attention_resolution: int = 32,
        attention_in_both: bool = False,
        normalize_style: bool = True,
        classes: int = 0,
        conv_clamp: float | None = None,
        **kwargs,
    ):
        policy = kwargs.get("dtype")
        super().__init__(
            mapping_network.MappingNetwork(
                w_size,
                mapping_layers,
                mapping_learning_rate_multiplier,
                classes,
                name="mapping",
                dtype=policy,
            ),
            synthesis_network.SynthesisNetwork(
                resolution,
                channels,
                fmap_base,
                fmap_max,
                attention,
                attention_resolution,
                attention_in_both,
                normalize_style,
                conv_clamp,
                name="synthesis",
                dtype=policy,
            ),
            latent_size,
            style_mixing_probability,
            w_mean_decay,
            classes,
            **kwargs,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention": self.synthesis.attention,
            "attention_resolution": self.synthesis.attention_resolution,
            "attention_in_both": self.synthesis.attention_in_both,
            "normalize_style": self.synthesis.normalize_style,
            "conv_clamp": self.synthesis.conv_clamp,
        }
