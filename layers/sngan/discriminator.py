"""SNGAN's residual discriminator."""

import keras
import tensorflow as tf

from dualcontrast.layers import class_table, networks
from dualcontrast.layers.sngan import base, down_block, widths
from dualcontrast.layers.spectral_normalisation import SpectralNormalization


@keras.saving.register_keras_serializable("dualcontrast", "SNGANDiscriminator")
class Discriminator(base.Discriminator):
    """The residual discriminator, spectrally normalised (Miyato et al. 2018, tables 4 to 6).

    With classes, the logit also has the product of the image's features with an embedding of its
    label (Miyato and Koyama 2018, the projection discriminator).

    >>> Discriminator(32, width=4)(tf.zeros([2, 32, 32, 3])).shape
    TensorShape([2])

    Args:
      resolution: of the image: 32, 64, 128 or 256.
      channels: of the image: 1, 3 or 4.
      width: unit of the blocks' widths, see `widths`; None for 128 at 32, 64 at the others.
      classes: of the labels that images are judged with; 0 for none.
      head_width, projection_size: see `base.Discriminator`.
    """

    _WIDTHS = widths.DISCRIMINATOR
    _INITIALIZER = "glorot_uniform"  # of the head

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        width: int | None = None,
        classes: int = 0,
        head_width: int | None = None,
        projection_size: int = 0,
        **kwargs,
    ):
        super().__init__(head_width, projection_size, **kwargs)
        self._widths = widths.find(self._WIDTHS, resolution, width)
        base.check_channels(channels)
        self.resolution = resolution
        self.channels = channels
        self.width = width
        self.classes = classes

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is that of the images, known already."""
        shape = networks.image_shape(self, input_shape)
        last_down = len(self._widths.factors) - self._widths.flat
        self.blocks = []
        for k, factor in enumerate(self._widths.factors):
            block = self._block(k, self._widths.width * factor, downsample=k < last_down)
            block.build(shape)
            shape = block.compute_output_shape(shape)
            self.blocks.append(block)
        dense = keras.layers.Dense(
            1, use_bias=self._logit_has_bias, kernel_initializer=self._INITIALIZER
        )
        self.build_heads(shape[-1], linear=self._normalised(dense, "logit"))
        if self._embeds:
            table = class_table.ClassTable(shape[-1], self.classes, self._INITIALIZER)
            self.embedding = self._normalised(table, "embedding")
            self.embedding.build((None,))
        self.built = True

    @property
    def _logit_has_bias(self) -> bool:
        return self.resolution > 32

    @property
    def _embeds(self) -> bool:
        """Whether the features meet the label; with a hidden layer, that does."""
        return bool(self.classes) and self.head_width is None

    def _block(self, index: int, filters: int, downsample: bool) -> down_block.DownBlock:
        return down_block.DownBlock(
            filters, downsample, index == 0, name=f"block{index}", dtype=self.dtype_policy
        )

    def _normalised(self, layer: keras.layers.Layer, name: str) -> SpectralNormalization:
        """Returns a layer of the head."""
        # In the variables' float32 under mixed precision: logits feed exponentials.
        return SpectralNormalization(layer, name=name, dtype=self.variable_dtype)

    def features(self, images, iterations: int = 1):
        """Returns the sums of the last maps over places, [batch, width] float32.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          iterations: see `SpectralNormalization`.
        """
        return self.summed(self.maps(images, iterations)[-1])

    def maps(self, images, iterations: int = 1) -> list[tf.Tensor]:
        """Returns what each block makes, [batch, height, width, channels]; as `features`."""
        found = []
        for block in self.blocks:
            images = block(images, iterations=iterations)
            found.append(images)
        return found

    def summed(self, maps) -> tf.Tensor:
        """Returns the features of what the last block makes."""
        return tf.reduce_sum(tf.cast(tf.nn.relu(maps), self.variable_dtype), axis=[1, 2])

    def logits_of(self, features, labels=None, iterations: int = 1):
        """Returns logits, [batch] float32: larger means more real.

        Args:
          features: from `features`.
          labels: [batch] int, where there are classes.
          iterations: see `SpectralNormalization`.
        """
        if not self._embeds:
            return super().logits_of(features, labels, iterations)
        networks.check_labels(self, self.classes, labels)
        embedded = self.embedding(labels, iterations=iterations)
        logits = self.logit(features, iterations=iterations)[:, 0]
        return logits + tf.reduce_sum(features * embedded, axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0],)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "width": self.width,
            "classes": self.classes,
        }
