"""R3GAN's generator."""

import dataclasses

import keras
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.layers.r3gan import convolution, generative_basis, stages, up_transition
from dualcontrast.layers.stylegan2 import feature_maps


@keras.saving.register_keras_serializable("dualcontrast", "R3GANGenerator")
class Generator(networks.Generator):
    """Residual blocks from a trained basis of 4x4 maps to the image (Huang et al. 2024).

    No normalisation, no noise, no style: z, beside an embedding of the label as long as it, weights
    the basis. The image is a linear function of the last maps.

    >>> generator = Generator(16, latent_size=8, fmap_base=64, fmap_max=8, group_width=4)
    >>> generator(tf.ones([2, 8])).shape
    TensorShape([2, 16, 16, 3])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      latent_size: width of z.
      fmap_base, fmap_max, blocks, expansion, group_width: see `Stages`.
      classes: of the labels that images are made for; 0 for none.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        latent_size: int = 64,
        fmap_base: int = 12_288,
        fmap_max: int = 768,
        blocks: int = 2,
        expansion: int = 2,
        group_width: int = 16,
        classes: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        feature_maps.check_image(channels, fmap_base, fmap_max)
        if latent_size < 1:
            raise ValueError(f"Generator: latent_size must be >= 1, got {latent_size}")
        self._stages = stages.Stages(
            resolution, fmap_base, fmap_max, blocks, expansion, group_width
        )
        self.resolution = resolution
        self.channels = channels
        self.latent_size = latent_size
        self.classes = classes

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is [batch, latent_size], known already."""
        if input_shape is not None and input_shape[-1] != self.latent_size:
            raise ValueError(
                f"Generator: z must be [batch, {self.latent_size}], got {list(input_shape)}"
            )
        if self.classes:
            self.embedding = self._dense(self.classes, self.latent_size, "embedding")
        shape = (None, self._stages.width(4))
        inputs = self.latent_size * (2 if self.classes else 1)
        self.linear = self._dense(inputs, shape[-1], "linear")
        self.trunk = self._trunk()
        for layer in self.trunk:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        # The image is in the variables' float32 under mixed precision.
        self.to_rgb = convolution.Convolution(
            self.channels, 1, name="to_rgb", dtype=self.variable_dtype
        )
        self.to_rgb.build(shape)
        self.built = True

    def _trunk(self) -> list[keras.layers.Layer]:
        """Returns what turns weights of the basis into the last maps, unbuilt."""
        policy = self.dtype_policy
        trunk = [generative_basis.GenerativeBasis(name="basis", dtype=policy)]
        for side in self._stages.sides:
            if side > 4:
                width, name = self._stages.width(side), f"{side}x{side}_up"
                trunk.append(up_transition.UpTransition(width, name=name, dtype=policy))
            trunk += self._stages.make(side, policy)
        return trunk

    def _dense(self, inputs: int, units: int, name: str) -> keras.layers.Dense:
        dense = keras.layers.Dense(
            units,
            use_bias=False,
            kernel_initializer=convolution.first_weights(),
            name=name,
            dtype=self.variable_dtype,
        )
        dense.build((None, inputs))
        return dense

    def call(self, z, labels=None):
        """Returns images, [batch, resolution, resolution, channels] float32, nominally in [-1, 1].

        Args:
          z: [batch, latent_size], standard normal.
          labels: [batch] int, where there are classes.
        """
        networks.check_labels(self, self.classes, labels)
        if self.classes:
            one_hot = tf.one_hot(labels, self.classes, dtype=self.variable_dtype)
            z = tf.concat([tf.cast(z, self.variable_dtype), self.embedding(one_hot)], axis=-1)
        x = self.linear(z)
        for layer in self.trunk:
            x = layer(x)
        return self.to_rgb(x)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.resolution, self.resolution, self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "latent_size": self.latent_size,
            "classes": self.classes,
            **dataclasses.asdict(self._stages),
        }
