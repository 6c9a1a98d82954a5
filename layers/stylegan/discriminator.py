"""StyleGAN's discriminator, which may grow."""

import keras
import tensorflow as tf

from dualcontrast.layers import equalized_dense, minibatch_stddev, networks
from dualcontrast.layers.stylegan import convolution, discriminator_block, levels
from dualcontrast.layers.stylegan2 import feature_maps


@keras.saving.register_keras_serializable("dualcontrast", "StyleGANDiscriminator")
class Discriminator(networks.Discriminator):
    """The discriminator of Karras et al. 2018 with the blur of Karras et al. 2019.

    No residuals. One that grows has an input at every resolution, and `lod`, the levels of detail
    left out, see `SynthesisNetwork`. With classes there is a logit for each, of which the label's
    is taken.

    >>> discriminator = Discriminator(16, fmap_base=64, fmap_max=8)
    >>> discriminator(tf.zeros([4, 16, 16, 3])).shape
    TensorShape([4])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      fmap_base, fmap_max: widths, see `feature_maps`.
      minibatch_stddev_group: largest group of the minibatch standard deviation.
      growing: whether it grows.
      classes: of the labels that images are judged with; 0 for none.

    Attributes:
      lod, stage: see `networks.Discriminator`.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        fmap_base: int = 8192,
        fmap_max: int = 512,
        minibatch_stddev_group: int = 4,
        growing: bool = False,
        classes: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.resolutions = feature_maps.resolutions(resolution)[::-1]
        feature_maps.check_image(channels, fmap_base, fmap_max)
        self.resolution = resolution
        self.channels = channels
        self.fmap_base = fmap_base
        self.fmap_max = fmap_max
        self.growing = growing
        self.classes = classes
        self.minibatch_stddev = minibatch_stddev.MinibatchStddev(
            minibatch_stddev_group, name="minibatch_stddev", dtype=self.dtype_policy
        )

    def build(self, images_shape=None, labels_shape=None):
        """Makes the variables; `images_shape` is known already."""
        networks.image_shape(self, images_shape)
        policy = self.dtype_policy
        maps = [
            feature_maps.feature_maps(side, self.fmap_base, self.fmap_max)
            for side in self.resolutions
        ]
        inputs = list(zip(self.resolutions, maps))
        self.from_rgb = [
            self._built(
                convolution.Convolution(filters, 1, name=f"{side}x{side}_rgb", dtype=policy),
                (None, side, side, self.channels),
            )
            for side, filters in (inputs if self.growing else inputs[:1])
        ]
        self.blocks = [
            self._built(
                discriminator_block.DiscriminatorBlock(
                    filters, name=f"{side}x{side}", dtype=policy
                ),
                (None, side, side, before),
            )
            for (side, before), filters in zip(inputs, maps[1:])
        ]
        width = maps[-1]
        self.last_conv = self._built(
            convolution.Convolution(width, 3, name="4x4_conv", dtype=policy),
            (None, 4, 4, width + 1),
        )
        # In the variables' float32 under mixed precision: logits feed exponentials.
        self.last_dense = self._dense(width, "leaky_relu", "4x4_dense", 4 * 4 * width)
        self.logit = self._dense(self.classes or 1, "linear", "logit", width)
        if self.growing:
            self.lod = levels.variable(self)
        self.built = True

    def _dense(self, units: int, activation: str, name: str, inputs: int) -> keras.layers.Layer:
        layer = equalized_dense.EqualizedDense(
            units,
            activation=activation,
            gain_on_bias=False,
            name=name,
            dtype=self.variable_dtype,
        )
        return self._built(layer, (None, inputs))

    @staticmethod
    def _built(layer: keras.layers.Layer, shape: tuple) -> keras.layers.Layer:
        layer.build(shape)
        return layer

    def shown(self, images):
        """Returns reals without the levels left out, the finest one faded as it is in fakes."""
        if self.stage is None:
            return images
        for _ in range(self.stage):
            images = levels.halve(images)
        share = self.lod.value - self.stage
        images = levels.fade(images, levels.double(levels.halve(images)), share)
        for _ in range(self.stage):
            images = levels.double(images)
        return images

    # There are no references, so that labels come second.
    def call(self, images, labels=None):  # type: ignore[override]
        """Returns logits, [batch] float32: larger means more real.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          labels: [batch] int, where there are classes.
        """
        return self.outputs(networks.Batch(images, labels)).logits

    def features(self, images):
        """Returns what the last layer turns into logits, [batch, width] float32.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
        """
        images = tf.cast(images, self.compute_dtype)
        x = self._grown(images) if self.growing else self._fixed(images)
        x = self.last_conv(self.minibatch_stddev(x))
        return self.last_dense(tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]]))

    def _fixed(self, images: tf.Tensor) -> tf.Tensor:
        x = self.from_rgb[0](images)
        for block in self.blocks:
            x = block(x)
        return x

    def _grown(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the last maps; those of every level fade in upon those of the halved image."""
        x = None
        for level, block in enumerate(self.blocks):
            halved = levels.halve(images)
            if self.stage is None or level >= self.stage:
                x = block(self.from_rgb[level](images) if x is None else x)
                if self.stage is None or level == self.stage:
                    coarse = self.from_rgb[level + 1](halved)
                    x = levels.fade(x, coarse, self.lod.value - level)
            images = halved
        return self.from_rgb[-1](images) if x is None else x

    def logits_of(self, features, labels=None):
        networks.check_labels(self, self.classes, labels)
        logits = self.logit(features)
        if not self.classes:
            return logits[:, 0]
        return tf.gather(logits, labels, batch_dims=1)

    @property
    def from_the_image(self):
        """The layers next to the image first, of one that does not grow."""
        if self.growing:
            return []
        inside = [layer for block in self.blocks for layer in (block.same, block.down)]
        return [*self.from_rgb, *inside, self.last_conv]

    def compute_output_shape(self, images_shape, labels_shape=None):
        return (images_shape[0],)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "minibatch_stddev_group": self.minibatch_stddev.group,
            "growing": self.growing,
            "classes": self.classes,
        }
