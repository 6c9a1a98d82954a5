"""BigGAN's generator."""

import keras
import tensorflow as tf

from dualcontrast.layers import batch_normalisation, class_table, networks, spectral_normalisation
from dualcontrast.layers.biggan import normalised, up_block, widths
from dualcontrast.layers.sagan.widths import check_attention
from dualcontrast.layers.sngan import base
from dualcontrast.layers.sngan.widths import find

_SHARED = 128  # width of the embedding that all normalisations share, or of their hidden layers


@keras.saving.register_keras_serializable("dualcontrast", "BigGANGenerator")
class Generator(base.Generator):
    """The residual generator whose normalisations are made of z (Brock et al. 2019).

    With classes, z is cut into equal chunks: the first one makes the first maps, every block is
    normalised by a chunk and an embedding of the label, which all blocks share. Without, all of z
    makes the first maps and normalises every block (Schonfeld et al. 2020).

    >>> generator = Generator(32, latent_size=8, width=4, attention_resolution=16)
    >>> generator(tf.ones([2, 8])).shape
    TensorShape([2, 32, 32, 3])

    Args:
      resolution: of the image: 32, 64, 128 or 256.
      channels: of the image: 1, 3 or 4.
      latent_size: width of z; with classes a multiple of `chunks`.
      width: unit of the blocks' widths, see `widths`; None for 64 up to 64x64, 96 beyond.
      classes: of the labels that images are made for; 0 for none.
      attention_resolution: side of the maps that attend to themselves, from 8 to half of the
        resolution; None for no attention.
      latent: see `base.Generator`.
    """

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
        super().__init__(**kwargs)
        self._widths = find(widths.GENERATOR, resolution, width)
        base.check_channels(channels)
        check_attention(attention_resolution, resolution)
        chunks = widths.chunks(resolution, classes)
        if latent_size < 1 or latent_size % chunks:
            raise ValueError(
                f"Generator: latent_size must be a multiple of {chunks}, got {latent_size}"
            )
        self.resolution = resolution
        self.channels = channels
        self.latent_size = latent_size
        self.width = width
        self.classes = classes
        self.attention_resolution = attention_resolution

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is [batch, latent_size], known already."""
        if input_shape is not None and input_shape[-1] != self.latent_size:
            raise ValueError(
                f"Generator: z must be [batch, {self.latent_size}], got {list(input_shape)}"
            )
        dtype = self.dtype_policy
        chunk = self.latent_size // widths.chunks(self.resolution, self.classes)
        first, *others = (self._widths.width * factor for factor in self._widths.factors)
        if self.classes:
            self.embedding = class_table.ClassTable(
                _SHARED, self.classes, normalised.ORTHOGONAL, name="embedding", dtype=dtype
            )
            self.embedding.build((None,))
        self.dense = normalised.dense(4 * 4 * first, "dense", dtype)
        self.dense.build((None, chunk))
        self.blocks = []
        shape, condition = (None, 4, 4, first), (None, chunk + _SHARED * bool(self.classes))
        for filters in others:
            side = 2 * shape[1]
            block = up_block.UpBlock(
                filters,
                side == self.attention_resolution,
                0 if self.classes else _SHARED,
                name=f"{side}x{side}",
                dtype=dtype,
            )
            block.build(shape, condition)
            shape = block.compute_output_shape(shape, condition)
            self.blocks.append(block)
        self.norm = batch_normalisation.BatchNormalization(0.9, 1e-5, name="norm", dtype=dtype)
        self.norm.build(shape)
        # The image is in the variables' float32 under mixed precision.
        self.to_rgb = normalised.convolution(self.channels, 3, "to_rgb", self.variable_dtype)
        self.to_rgb.build(shape)
        self.built = True

    def call(self, z, labels=None, training: bool = False, track: bool = False):
        """Returns images, [batch, resolution, resolution, channels] float32 in [-1, 1].

        Args:
          z: [batch, latent_size], as `latent` says.
          labels: [batch] int, where there are classes.
          training, track: see `BatchNormalization`.
        """
        return self.rest(self.first(z), z, labels, training, track)

    def first(self, z):
        """Returns what the first layer makes of z, [batch, 4, 4, filters]."""
        x = self.dense(self._chunks(z)[0])
        return tf.reshape(x, [-1, 4, 4, self._widths.width * self._widths.factors[0]])

    def rest(self, x, z, labels=None, training: bool = False, track: bool = False):
        """Returns the images of what `first` returned; the other arguments are those of `call`."""
        networks.check_labels(self, self.classes, labels)
        conditions = self._chunks(z)[1:]
        if self.classes:
            shared = self.embedding(labels)
            conditions = [
                tf.concat([shared, tf.cast(chunk, shared.dtype)], axis=-1) for chunk in conditions
            ]
        for block, condition in zip(self.blocks, conditions):
            x = block(x, condition, training=training, track=track)
        x = tf.nn.relu(self.norm(x, training=training, track=track))
        return tf.tanh(self.to_rgb(x))

    def _chunks(self, z) -> list[tf.Tensor]:
        """Returns what of z the first layer and every block are given."""
        if self.classes:
            return tf.split(z, 1 + len(self.blocks), axis=-1)
        return [z] * (1 + len(self.blocks))

    def images_of(self, features, inputs):
        """Returns the images of training, by the moments that these features bring about."""
        return self.rest(features, **inputs, training=True)

    def update_statistics(self, inputs):
        """Moves the kept moments and every u by a batch, in the steps of either network."""
        super().update_statistics(inputs)
        spectral_normalisation.update_statistics(self, 1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.resolution, self.resolution, self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "latent_size": self.latent_size,
            "width": self.width,
            "classes": self.classes,
            "attention_resolution": self.attention_resolution,
        }
