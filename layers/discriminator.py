"""The discriminator: an image in, a logit out."""

import keras
import tensorflow as tf

from dualcontrast.layers import (
    discriminator_block,
    equalized_conv2d,
    equalized_dense,
    feature_maps,
    minibatch_stddev,
)


@keras.saving.register_keras_serializable("dualcontrast")
class Discriminator(keras.Model):
    """StyleGAN2's residual discriminator (config E with the default widths).

    >>> discriminator = Discriminator(16, fmap_base=64, fmap_max=8)
    >>> discriminator(tf.zeros([4, 16, 16, 3])).shape
    TensorShape([4])

    Args:
      resolution: of the image, a power of two from 8.
      channels: of the image: 1, 3 or 4.
      fmap_base, fmap_max: widths; 8192 and 512 are config E, 16384 and 512 config F.
      minibatch_stddev_group: largest group of the minibatch standard deviation.
    """

    def __init__(
        self,
        resolution: int,
        channels: int = 3,
        fmap_base: int = 8192,
        fmap_max: int = 512,
        minibatch_stddev_group: int = 4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.resolutions = feature_maps.resolutions(resolution)[::-1]
        feature_maps.check_image(channels, fmap_base, fmap_max)
        self.resolution = resolution
        self.channels = channels
        self.fmap_base = fmap_base
        self.fmap_max = fmap_max
        self.minibatch_stddev = minibatch_stddev.MinibatchStddev(
            minibatch_stddev_group, name="minibatch_stddev", dtype=self.dtype_policy
        )

    def build(self, input_shape=None):
        """Makes the variables; `input_shape`: [batch, resolution, resolution, channels], known."""
        shape = (None, self.resolution, self.resolution, self.channels)
        if input_shape is not None and tuple(input_shape[1:]) != shape[1:]:
            raise ValueError(
                f"Discriminator: images must be [batch, {self.resolution}, {self.resolution}, "
                f"{self.channels}], got {list(input_shape)}"
            )
        policy = self.dtype_policy
        maps = [
            feature_maps.feature_maps(side, self.fmap_base, self.fmap_max)
            for side in self.resolutions
        ]
        self.from_rgb = equalized_conv2d.EqualizedConv2D(maps[0], 1, name="from_rgb", dtype=policy)
        self.blocks = [
            discriminator_block.DiscriminatorBlock(filters, name=f"{side}x{side}", dtype=policy)
            for side, filters in zip(self.resolutions, maps[1:])
        ]
        self.last_conv = equalized_conv2d.EqualizedConv2D(
            maps[-1], 3, name="4x4_conv", dtype=policy
        )
        # The head is in the variables' float32 under mixed precision: logits feed exponentials.
        self.last_dense = equalized_dense.EqualizedDense(
            maps[-1], activation="leaky_relu", name="4x4_dense", dtype=self.variable_dtype
        )
        self.logit = equalized_dense.EqualizedDense(1, name="logit", dtype=self.variable_dtype)
        for layer in (self.from_rgb, *self.blocks, self.minibatch_stddev, self.last_conv):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.last_dense.build((None, shape[1] * shape[2] * shape[3]))
        self.logit.build((None, maps[-1]))
        self.built = True

    def call(self, images):
        """Returns logits, [batch] float32: larger means more real.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
        """
        x = self.from_rgb(tf.cast(images, self.compute_dtype))
        for block in self.blocks:
            x = block(x)
        x = self.last_conv(self.minibatch_stddev(x))
        x = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])
        return self.logit(self.last_dense(x))[:, 0]

    def compute_output_shape(self, input_shape):
        return (input_shape[0],)

    def get_config(self):
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "channels": self.channels,
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "minibatch_stddev_group": self.minibatch_stddev.group,
        }
