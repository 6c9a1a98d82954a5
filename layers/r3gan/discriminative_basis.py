"""What makes features of the last maps of R3GAN's discriminator."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("dualcontrast", "R3GANDiscriminativeBasis")
class DiscriminativeBasis(keras.layers.Layer):
    """A depthwise 4x4 convolution of 4x4 maps: a weighted sum over places for every channel.

    Huang et al. 2024: in place of minibatch deviation, convolution and dense layer.

    >>> DiscriminativeBasis()(tf.zeros([2, 4, 4, 8])).shape
    TensorShape([2, 8])
    """

    def build(self, input_shape):
        if tuple(input_shape[1:3]) != (4, 4):
            raise ValueError(f"DiscriminativeBasis: maps must be 4x4, got {list(input_shape)}")
        self.kernel = self.add_weight(
            name="kernel",
            # As of a dense layer from places to one number, for every channel: a fan-in of 16.
            shape=(4, 4, int(input_shape[-1])),
            initializer=keras.initializers.RandomNormal(stddev=1 / 4),
        )

    def call(self, x):
        """Returns [batch, channels].

        Args:
          x: [batch, 4, 4, channels].
        """
        return tf.reduce_sum(x * self.kernel, axis=[1, 2])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])
