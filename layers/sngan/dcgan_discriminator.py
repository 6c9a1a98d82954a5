"""The convolutional discriminator of SNGAN's paper: SNDCGAN's."""

import keras
import tensorflow as tf

from dualcontrast.layers import activation, networks
from dualcontrast.layers.sngan import dcgan_generator, uniform_discriminator
from dualcontrast.layers.spectral_normalisation import SpectralNormalization

_SLOPE = 0.1  # of the leaky ReLU below zero
# Of every convolution: its side, its stride, and its filters in units of the width.
_CONVOLUTIONS = ((3, 1, 1), (4, 2, 2), (3, 1, 2), (4, 2, 4), (3, 1, 4), (4, 2, 8), (3, 1, 8))


@keras.saving.register_keras_serializable("dualcontrast")
class DCGANDiscriminator(uniform_discriminator.UniformDiscriminator):
    """Seven convolutions, three of them with stride 2 (Miyato et al. 2018, table 3).

    >>> DCGANDiscriminator(16, width=2)(tf.zeros([2, 16, 16, 3])).shape
    TensorShape([2])

    Its arguments are those of `UniformDiscriminator`.
    """

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is that of the images, known already."""
        shape = networks.image_shape(self, input_shape)
        self.convs = []
        for k, (side, stride, factor) in enumerate(_CONVOLUTIONS):
            layer = keras.layers.Conv2D(
                factor * self.width,
                side,
                stride,
                "same",
                kernel_initializer=dcgan_generator.initializer(),
            )
            conv = SpectralNormalization(layer, name=f"conv{k}", dtype=self.dtype_policy)
            conv.build(shape)
            shape = conv.compute_output_shape(shape)
            self.convs.append(conv)
        self.build_heads(shape[1] * shape[2] * shape[3], dcgan_generator.DEVIATION)
        self.built = True

    def features(self, images, iterations: int = 1):
        """Returns the last maps, flat, [batch, width] float32.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          iterations: see `SpectralNormalization`.
        """
        x = images
        for conv in self.convs:
            x = activation.leaky_relu(conv(x, iterations=iterations), _SLOPE)
        x = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])
        return tf.cast(x, self.variable_dtype)
