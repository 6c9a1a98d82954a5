"""R3GAN's discriminator."""

import dataclasses

import keras
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.layers.r3gan import convolution, discriminative_basis, down_transition, stages
from dualcontrast.layers.stylegan2 import feature_maps


@keras.saving.register_keras_serializable("dualcontrast", "R3GANDiscriminator")
class Discriminator(networks.Discriminator):
    """The generator's mirror image: residual blocks down to 4x4 (Huang et al. 2024).

    With classes, the logit is the product of the features' linear function, as wide as the 4x4
    maps, with an embedding of the label (Miyato and Koyama 2018), and has no part without one.

    >>> Discriminator(16, fmap_base=64, fmap_max=8, group_width=4)(tf.zeros([2, 16, 16, 3])).shape
    TensorShape([2])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      fmap_base, fmap_max, blocks, expansion, group_width: see `Stages`.
      classes: of the labels that images are judged with; 0 for none.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
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
        self._stages = stages.Stages(
            resolution, fmap_base, fmap_max, blocks, expansion, group_width
        )
        self.resolution = resolution
        self.channels = channels
        self.classes = classes

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is that of the images, known already."""
        shape = networks.image_shape(self, input_shape)
        self.trunk = self._trunk()
        for layer in self.trunk:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        width = shape[-1]
        self.basis = discriminative_basis.DiscriminativeBasis(
            name="basis", dtype=self.variable_dtype
        )
        self.basis.build(shape)
        self.logit = self._dense(width, width if self.classes else 1, "logit")
        if self.classes:
            self.embedding = self._dense(self.classes, width, "embedding", width**-0.5)
        self.built = True

    def _trunk(self) -> list[keras.layers.Layer]:
        """Returns what turns images into 4x4 maps, unbuilt."""
        policy, sides = self.dtype_policy, self._stages.sides[::-1]
        width = self._stages.width(sides[0])
        trunk = [convolution.Convolution(width, 1, name="from_rgb", dtype=policy)]
        for side in sides:
            trunk += self._stages.make(side, policy)
            if side > 4:
                width, name = self._stages.width(side // 2), f"{side}x{side}_down"
                trunk.append(down_transition.DownTransition(width, name=name, dtype=policy))
        return trunk

    def _dense(self, inputs: int, units: int, name: str, gain: float = 1.0) -> keras.layers.Dense:
        # In the variables' float32 under mixed precision: logits feed exponentials.
        dense = keras.layers.Dense(
            units,
            use_bias=False,
            kernel_initializer=convolution.first_weights(gain),
            name=name,
            dtype=self.variable_dtype,
        )
        dense.build((None, inputs))
        return dense

    # There are no references, so that labels come second.
    def call(self, images, labels=None):  # type: ignore[override]
        """Returns logits, [batch] float32: larger means more real.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          labels: [batch] int, where there are classes.
        """
        return self.outputs(networks.Batch(images, labels)).logits

    def features(self, images):
        """Returns the weighted sums of the last maps over places, [batch, width] float32.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
        """
        x = images
        for layer in self.trunk:
            x = layer(x)
        return self.basis(x)

    def logits_of(self, features, labels=None):
        """Returns logits, [batch] float32: larger means more real.

        Args:
          features: from `features`.
          labels: [batch] int, where there are classes.
        """
        networks.check_labels(self, self.classes, labels)
        found = self.logit(features)
        if not self.classes:
            return found[:, 0]
        one_hot = tf.one_hot(labels, self.classes, dtype=self.variable_dtype)
        return tf.reduce_sum(found * self.embedding(one_hot), axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0],)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "classes": self.classes,
            **dataclasses.asdict(self._stages),
        }
