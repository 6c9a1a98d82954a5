"""The discriminator of SNResNet-18."""

import keras
import tensorflow as tf

from dualcontrast.layers import activation, networks
from dualcontrast.layers.sngan import basic_block, uniform_discriminator

_SLOPE = 0.1  # of the leaky ReLU below zero
_STAGES = ((1, 1), (2, 2), (4, 2), (8, 2))  # width in units, and stride, of two blocks each


@keras.saving.register_keras_serializable("dualcontrast")
class ResNet18Discriminator(uniform_discriminator.UniformDiscriminator):
    """ResNet-18 for small images, without batch normalisation (Jeong and Shin 2021, appendix).

    The features are the means of the last maps, 4x4 for images of 32x32.

    >>> ResNet18Discriminator(16, width=2)(tf.zeros([2, 16, 16, 3])).shape
    TensorShape([2])

    Its arguments are those of `UniformDiscriminator`.
    """

    def build(self, input_shape=None):
        """Makes the variables; `input_shape` is that of the images, known already."""
        shape = networks.image_shape(self, input_shape)
        self.conv = basic_block.convolution(
            self.channels, self.width, 3, 1, "conv", self.dtype_policy
        )
        shape = (*shape[:-1], self.width)
        self.blocks = []
        for k, (factor, stride) in enumerate(_STAGES):
            for j in range(2):
                block = basic_block.BasicBlock(
                    factor * self.width,
                    stride if j == 0 else 1,
                    name=f"block{2 * k + j}",
                    dtype=self.dtype_policy,
                )
                block.build(shape)
                shape = block.compute_output_shape(shape)
                self.blocks.append(block)
        self.build_heads(shape[-1])
        self.built = True

    def features(self, images, iterations: int = 1):
        """Returns the means of the last maps over places, [batch, width] float32.

        Args:
          images: [batch, resolution, resolution, channels], nominally in [-1, 1].
          iterations: see `SpectralNormalization`.
        """
        x = self.conv(basic_block.padded(images), iterations=iterations)
        x = activation.leaky_relu(x, _SLOPE)
        for block in self.blocks:
            x = block(x, iterations=iterations)
        return tf.reduce_mean(tf.cast(x, self.variable_dtype), axis=[1, 2])
