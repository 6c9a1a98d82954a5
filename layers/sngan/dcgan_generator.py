"""The convolutional generator of SNGAN's paper: SNDCGAN's."""

import keras
import tensorflow as tf

from dualcontrast.layers import batch_normalisation
from dualcontrast.layers.sngan import base

DEVIATION = 0.02  # of all first weights


def initializer() -> keras.initializers.Initializer:
    """Returns N(0, 0.02); a new one for each layer, because one draws the same values again."""
    return keras.initializers.RandomNormal(stddev=DEVIATION)


@keras.saving.register_keras_serializable("dualcontrast")
class DCGANGenerator(base.Generator):
    """Three doublings by transposed convolutions (Miyato et al. 2018, table 3).

    The first batch normalisation is of every unit, over places too.

    >>> generator = DCGANGenerator(16, latent_size=8, width=2)
    >>> generator(tf.ones([2, 8])).shape
    TensorShape([2, 16, 16, 3])

    Args:
      resolution: of the image, a multiple of 8.
      channels: of the image: 1, 3 or 4.
      latent_size: width of z.
      width: of the last maps; the first ones are 8 times as many.
      latent: see `base.Generator`.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        latent_size: int = 128,
        width: int = 64,
        **kwargs,
    ):
        super().__init__(**kwargs)
        base.check_dcgan(resolution, channels, width)
        if latent_size < 1:
            raise ValueError(f"DCGANGenerator: latent_size must be >= 1, got {latent_size}")
        self.resolution = resolution
        self.channels = channels
        self.latent_size = latent_size
        self.width = width

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is [batch, latent_size], known already."""
        if input_shape is not None and input_shape[-1] != self.latent_size:
            raise ValueError(
                f"DCGANGenerator: z must be [batch, {self.latent_size}], got {list(input_shape)}"
            )
        policy, side = self.dtype_policy, self.resolution // 8
        units = side * side * 8 * self.width
        self.dense = keras.layers.Dense(
            units, name="dense", dtype=policy, kernel_initializer=initializer()
        )
        self.convs = [
            keras.layers.Conv2DTranspose(
                factor * self.width,
                4,
                2,
                "same",
                name=f"conv{k}",
                dtype=policy,
                kernel_initializer=initializer(),
            )
            for k, factor in enumerate((4, 2, 1))
        ]
        self.norms = [
            batch_normalisation.BatchNormalization(epsilon=1e-5, name=f"norm{k}", dtype=policy)
            for k in range(4)
        ]
        # The image is in the variables' float32 under mixed precision.
        self.to_rgb = keras.layers.Conv2DTranspose(
            self.channels,
            3,
            1,
            "same",
            name="to_rgb",
            dtype=self.variable_dtype,
            kernel_initializer=initializer(),
        )
        self.dense.build((None, self.latent_size))
        self.norms[0].build((None, units))
        shape = (None, side, side, 8 * self.width)
        for conv, norm in zip(self.convs, self.norms[1:]):
            conv.build(shape)
            shape = conv.compute_output_shape(shape)
            norm.build(shape)
        self.to_rgb.build(shape)
        self.built = True

    def call(self, z, training: bool = False, track: bool = False):
        """Returns images, [batch, resolution, resolution, channels] float32 in [-1, 1].

        Args:
          z: [batch, latent_size], as `latent` says.
          training, track: see `BatchNormalization`.
        """
        return self.rest(self.first(z), training, track)

    def first(self, z):
        """Returns what the first layer makes of z, [batch, units], before its normalisation."""
        return self.dense(z)

    def rest(self, x, training: bool = False, track: bool = False):
        """Returns the images of what `first` returned; the other arguments are those of `call`."""
        x = tf.nn.relu(self.norms[0](x, training=training, track=track))
        side = self.resolution // 8
        x = tf.reshape(x, [-1, side, side, 8 * self.width])
        for conv, norm in zip(self.convs, self.norms[1:]):
            x = tf.nn.relu(norm(conv(x), training=training, track=track))
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
        }
