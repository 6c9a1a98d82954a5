"""SNGAN's residual generator."""

import keras
import tensorflow as tf

from dualcontrast.layers import batch_normalisation, convolution, networks
from dualcontrast.layers.sngan import base, up_block, widths


@keras.saving.register_keras_serializable("dualcontrast", "SNGANGenerator")
class Generator(base.Generator):
    """The residual generator with batch normalisation (Miyato et al. 2018, tables 4 to 6).

    With classes, the normalisations in the blocks are conditional, the last one is not (Miyato and
    Koyama 2018).

    >>> generator = Generator(32, latent_size=8, width=4)
    >>> generator(tf.ones([2, 8])).shape
    TensorShape([2, 32, 32, 3])

    Args:
      resolution: of the image: 32, 64, 128 or 256.
      channels: of the image: 1, 3 or 4.
      latent_size: width of z.
      width: unit of the blocks' widths, see `widths`; None for 256 at 32, 64 at the others.
      classes: of the labels that images are made for; 0 for none.
      latent: see `base.Generator`.
    """

    _WIDTHS = widths.GENERATOR

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        latent_size: int = 128,
        width: int | None = None,
        classes: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._widths = widths.find(self._WIDTHS, resolution, width)
        base.check_channels(channels)
        if latent_size < 1:
            raise ValueError(f"Generator: latent_size must be >= 1, got {latent_size}")
        self.resolution = resolution
        self.channels = channels
        self.latent_size = latent_size
        self.width = width
        self.classes = classes

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is [batch, latent_size], known already."""
        if input_shape is not None and input_shape[-1] != self.latent_size:
            raise ValueError(
                f"Generator: z must be [batch, {self.latent_size}], got {list(input_shape)}"
            )
        first, *others = (self._widths.width * factor for factor in self._widths.factors)
        self.dense = self._first_layer(4 * 4 * first, "dense")
        self.blocks = [self._block(filters, 8 << k) for k, filters in enumerate(others)]
        self.norm = self._norm("norm")
        self.to_rgb = self._to_rgb("to_rgb")
        self.dense.build((None, self.latent_size))
        shape = (None, 4, 4, first)
        for block in self.blocks:
            block.build(shape)
            shape = block.compute_output_shape(shape)
        self.norm.build(shape)
        self.to_rgb.build(shape)
        self.built = True

    def _first_layer(self, units: int, name: str) -> keras.layers.Layer:
        return keras.layers.Dense(units, name=name, dtype=self.dtype_policy)

    def _block(self, filters: int, side: int) -> up_block.UpBlock:
        """Returns the block that puts out maps of a side."""
        return up_block.UpBlock(
            filters, self.classes, name=f"{side}x{side}", dtype=self.dtype_policy
        )

    def _norm(self, name: str) -> batch_normalisation.BatchNormalization:
        return batch_normalisation.BatchNormalization(name=name, dtype=self.dtype_policy)

    def _to_rgb(self, name: str) -> keras.layers.Layer:
        # The image is in the variables' float32 under mixed precision.
        return convolution.Conv2D(self.channels, 3, name=name, dtype=self.variable_dtype)

    def call(self, z, labels=None, training: bool = False, track: bool = False):
        """Returns images, [batch, resolution, resolution, channels] float32 in [-1, 1].

        Args:
          z: [batch, latent_size], as `latent` says.
          labels: [batch] int, where there are classes.
          training, track: see `BatchNormalization`.
        """
        return self.rest(self.first(z), labels, training, track)

    def first(self, z):
        """Returns what the first layer makes of z, [batch, 4, 4, filters]."""
        return tf.reshape(self.dense(z), [-1, 4, 4, self._widths.width * self._widths.factors[0]])

    def rest(self, x, labels=None, training: bool = False, track: bool = False):
        """Returns the images of what `first` returned; the other arguments are those of `call`."""
        networks.check_labels(self, self.classes, labels)
        for block in self.blocks:
            x = block(x, labels=labels, training=training, track=track)
        x = tf.nn.relu(self.norm(x, training=training, track=track))
        return tf.tanh(self.to_rgb(x))

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
        }
