"""StyleGAN's generator."""

import keras
import tensorflow as tf

from dualcontrast.layers import style_generator
from dualcontrast.layers.stylegan import synthesis_network
from dualcontrast.layers.stylegan2 import mapping_network


@keras.saving.register_keras_serializable("dualcontrast", "StyleGANGenerator")
class Generator(style_generator.StyleGenerator):
    """The generator of Karras et al. 2019.

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
      fmap_base, fmap_max: widths, see `feature_maps`.
      style_mixing_probability: of a second latent from some layer on, in training.
      w_mean_decay: of the tracked mean of w, in [0, 1].
      truncation_layers: the first layers, to which alone truncation applies.
      growing: see `SynthesisNetwork`.
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
        truncation_layers: int = 8,
        growing: bool = False,
        classes: int = 0,
        **kwargs,
    ):
        policy = kwargs.get("dtype")
        super().__init__(
            mapping_network.MappingNetwork(
                w_size,
                mapping_layers,
                mapping_learning_rate_multiplier,
                classes,
                gain_on_bias=False,
                name="mapping",
                dtype=policy,
            ),
            synthesis_network.SynthesisNetwork(
                resolution,
                channels,
                fmap_base,
                fmap_max,
                growing,
                name="synthesis",
                dtype=policy,
            ),
            latent_size,
            style_mixing_probability,
            w_mean_decay,
            classes,
            **kwargs,
        )
        if truncation_layers < 0:
            raise ValueError(f"Generator: truncation_layers must be >= 0, got {truncation_layers}")
        self.truncation_layers = truncation_layers

    @property
    def lod(self):
        return self.synthesis.lod

    @property
    def stage(self):
        return self.synthesis.stage

    @stage.setter
    def stage(self, stage):
        self.synthesis.stage = stage

    @property
    def mixed_layers(self):
        """The layers that take part, two for each side."""
        return self.synthesis.latents - 2 * (self.stage or 0)

    def truncate(self, w, psi):
        """Returns w of the first `truncation_layers` pulled towards its mean, the others as is."""
        layer = tf.range(self.synthesis.latents)[None, :, None]
        return tf.where(layer < self.truncation_layers, super().truncate(w, psi), w)

    def get_config(self):
        return {
            **super().get_config(),
            "truncation_layers": self.truncation_layers,
            "growing": self.synthesis.growing,
        }
