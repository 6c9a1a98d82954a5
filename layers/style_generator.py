"""What the generators of StyleGAN and StyleGAN2 share: mapping, style mixing, truncation."""

import keras
import tensorflow as tf

from dualcontrast.layers import networks


class StyleGenerator(networks.Generator):
    """A generator whose synthesis network takes a latent w for every layer.

    Args:
      mapping: the layer from z, and labels where there are classes, to w.
      synthesis: the layer from w and noise to images.
      latent_size: width of z.
      style_mixing_probability: of a second latent from some layer on, in training.
      w_mean_decay: of the tracked mean of w, in [0, 1].
      classes: of the labels that images are made for; 0 for none.
    """

    def __init__(
        self,
        mapping: keras.layers.Layer,
        synthesis: keras.layers.Layer,
        latent_size: int,
        style_mixing_probability: float,
        w_mean_decay: float,
        classes: int,
        **kwargs,
    ):
        # No autocast: it would round w, see ModulatedConv2D.
        super().__init__(autocast=False, **kwargs)
        if latent_size < 1:
            raise ValueError(f"Generator: latent_size must be >= 1, got {latent_size}")
        if not 0 <= w_mean_decay <= 1:
            raise ValueError(f"Generator: w_mean_decay must be in [0, 1], got {w_mean_decay}")
        self.latent_size = latent_size
        self.classes = classes
        self.style_mixing_probability = style_mixing_probability
        self.w_mean_decay = w_mean_decay
        self.mapping = mapping
        self.synthesis = synthesis

    @property
    def resolution(self):
        return self.synthesis.resolution

    @property
    def channels(self):
        return self.synthesis.channels

    @property
    def noise_sides(self):
        return self.synthesis.noise_sides

    @property
    def mixed_layers(self) -> int:
        """The layers that a second latent may begin among."""
        return self.synthesis.latents

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is [batch, latent_size], known already."""
        if input_shape is not None and input_shape[-1] != self.latent_size:
            raise ValueError(
                f"Generator: z must be [batch, {self.latent_size}], got {list(input_shape)}"
            )
        self.mapping.build((None, self.latent_size))
        self.synthesis.build((None, self.synthesis.latents, self.mapping.w_size))
        # Departs from StyleGAN2, where every GPU tracks its own and only the first one's is kept:
        # this is the mean over all replicas.
        self.w_mean = self.add_weight(
            name="w_mean",
            shape=(self.mapping.w_size,),
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="mean",
        )
        self.built = True

    def call(self, z, labels=None, noise=None, truncation_psi=1.0):
        """Returns images, [batch, resolution, resolution, channels] float32, nominally in [-1, 1].

        Args:
          z: [batch, latent_size], standard normal.
          labels: [batch] int, where there are classes.
          noise: a map [batch, side, side, 1] for each of `noise_sides`; None for the fixed maps.
          truncation_psi: 1 leaves w as it is, 0 makes it the mean of w.
        """
        networks.check_labels(self, self.classes, labels)
        w = self.truncate(self.broadcast(self.mapping(z, labels)), truncation_psi)
        return self.synthesis(w, noise=noise)

    def broadcast(self, w):
        """Returns [batch, latents, w_size], the same w, [batch, w_size], for every layer."""
        return tf.tile(w[:, None, :], [1, self.synthesis.latents, 1])

    def truncate(self, w, psi):
        """Returns w pulled towards its mean: mean + psi * (w - mean).

        Karras et al. 2019, appendix B.

        Args:
          w: [batch, latents, w_size].
          psi: a number or a scalar tensor; nominally in [0, 1].
        """
        mean = self.w_mean.value
        return mean + psi * (w - mean)

    def mix_styles(self, w, other, cutoff):
        """Returns w below the cutoff layer and `other` from it on.

        Karras et al. 2019, section 3.1.

        Args:
          w, other: [batch, latents, w_size].
          cutoff: [batch] int; `latents` mixes nothing in.
        """
        layer = tf.range(self.synthesis.latents)[None, :, None]
        return tf.where(layer < cutoff[:, None, None], w, other)

    def draw(self, draws):
        """Returns z and noise of a pass of training, and what is mixed into it."""
        inputs = super().draw(draws) | {"noise": draws.noise(self.noise_sides)}
        if self.style_mixing_probability == 0:
            return inputs
        return inputs | {
            "mixed_z": draws.mixed_latents(self.latent_size),
            "cutoffs": draws.mixing_cutoffs(self.mixed_layers, self.style_mixing_probability),
        }

    def mixed_latents(self, inputs):
        """Returns w with mixed styles, [batch, latents, w_size], of `draw`'s inputs."""
        labels = inputs.get("labels")
        w = self.broadcast(self.mapping(inputs["z"], labels))
        if "mixed_z" not in inputs:
            return w
        # Of the same class: what is mixed stays an image of its label.
        other = self.broadcast(self.mapping(inputs["mixed_z"], labels))
        return self.mix_styles(w, other, inputs["cutoffs"])

    def images(self, inputs):
        return self.synthesis(self.mixed_latents(inputs), noise=inputs["noise"])

    def update_statistics(self, inputs):
        """Moves the mean of w, by every pass of training and before mixing, as in StyleGAN2."""
        self.track_w(self.mapping(inputs["z"], inputs.get("labels")))

    def track_w(self, w):
        """Moves the mean of w towards the mean of a batch, [batch, w_size]."""
        mean = self.w_mean.value
        moved = self.w_mean_decay * mean + (1 - self.w_mean_decay) * tf.reduce_mean(w, axis=0)
        self.w_mean.assign(moved)

    def compute_output_shape(self, input_shape):
        return self.synthesis.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.synthesis.resolution,
            "channels": self.synthesis.channels,
            "latent_size": self.latent_size,
            "w_size": self.mapping.w_size,
            "mapping_layers": self.mapping.layers,
            "mapping_learning_rate_multiplier": self.mapping.learning_rate_multiplier,
            "fmap_base": self.synthesis.fmap_base,
            "fmap_max": self.synthesis.fmap_max,
            "style_mixing_probability": self.style_mixing_probability,
            "w_mean_decay": self.w_mean_decay,
            "classes": self.classes,
        }
