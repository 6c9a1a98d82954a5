"""A layer's latents become the moments of its feature maps."""

import keras
import tensorflow as tf

from dualcontrast.layers import equalized_dense


@keras.saving.register_keras_serializable("dualcontrast")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """Normalises every map of every sample, then scales and shifts it by a function of w: AdaIN.

    Karras et al. 2019, equation 1; the factor is 1 more than what the dense layer says. The moments
    are in the variables' type: float32 under mixed precision.

    >>> AdaptiveInstanceNormalization()(tf.zeros([2, 8, 8, 4]), tf.zeros([2, 32])).shape
    TensorShape([2, 8, 8, 4])
    """

    def __init__(self, **kwargs):
        # No autocast: it would round w.
        super().__init__(autocast=False, **kwargs)

    def build(self, x_shape, w_shape):
        self.style = equalized_dense.EqualizedDense(
            2 * int(x_shape[-1]), name="style", dtype=self.variable_dtype
        )
        self.style.build(w_shape)

    def call(self, x, w):
        """Returns [batch, height, width, channels].

        Args:
          x: [batch, height, width, channels].
          w: [batch, w_size].
        """
        factor, shift = tf.split(self.style(w)[:, None, None, :], 2, axis=-1)
        maps = tf.cast(x, self.variable_dtype)
        maps -= tf.reduce_mean(maps, axis=[1, 2], keepdims=True)
        variance = tf.reduce_mean(tf.square(maps), axis=[1, 2], keepdims=True)
        maps = maps * (tf.math.rsqrt(variance + 1e-8) * (factor + 1.0)) + shift
        return tf.cast(maps, self.compute_dtype)

    def compute_output_shape(self, x_shape, w_shape):
        return tuple(x_shape)
