"""The maps that R3GAN's generator begins with."""

import keras


@keras.saving.register_keras_serializable("dualcontrast", "R3GANGenerativeBasis")
class GenerativeBasis(keras.layers.Layer):
    """A trained 4x4 map for every channel, N(0, 1) at first, times a number a sample.

    Huang et al. 2024: in place of StyleGAN2's constant input and modulation.

    >>> GenerativeBasis()(tf.zeros([2, 8])).shape
    TensorShape([2, 4, 4, 8])
    """

    def build(self, input_shape):
        self.basis = self.add_weight(
            name="basis",
            shape=(4, 4, int(input_shape[-1])),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )

    def call(self, x):
        """Returns [batch, 4, 4, channels].

        Args:
          x: [batch, channels].
        """
        return x[:, None, None] * self.basis

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 4, 4, input_shape[-1])
