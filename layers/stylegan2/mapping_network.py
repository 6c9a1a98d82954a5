"""From random latents z to the disentangled latents w."""

import keras
import tensorflow as tf

from dualcontrast.layers import equalized_dense


@keras.saving.register_keras_serializable("dualcontrast")
class MappingNetwork(keras.layers.Layer):
    """Normalises z to unit mean square and passes it through fully connected leaky ReLU layers.

    Karras et al. 2019, section 2, with StyleGAN2's constants. Always in the variables' type:
    float32 under mixed precision.

    >>> MappingNetwork(32, layers=2)(tf.ones([4, 16])).shape
    TensorShape([4, 32])

    Args:
      w_size: width of every layer and of w.
      layers: how many, at least 1.
      learning_rate_multiplier: of these layers against the generator's.
    """

    def __init__(
        self,
        w_size: int = 512,
        layers: int = 8,
        learning_rate_multiplier: float = 0.01,
        **kwargs,
    ):
        # No autocast: it would round z to the compute type.
        super().__init__(autocast=False, **kwargs)
        if min(w_size, layers) < 1:
            raise ValueError(
                f"MappingNetwork: w_size and layers must be >= 1, got {w_size}, {layers}"
            )
        if learning_rate_multiplier <= 0:
            raise ValueError(
                "MappingNetwork: learning_rate_multiplier must be positive, "
                f"got {learning_rate_multiplier}"
            )
        self.w_size = w_size
        self.layers = layers
        self.learning_rate_multiplier = learning_rate_multiplier

    def build(self, input_shape):
        self.dense = [
            equalized_dense.EqualizedDense(
                self.w_size,
                self.learning_rate_multiplier,
                "leaky_relu",
                name=f"dense{i}",
                dtype=self.variable_dtype,
            )
            for i in range(self.layers)
        ]
        for layer in self.dense:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, z):
        """Returns w, [batch, w_size], of z, [batch, latent_size]."""
        z = tf.cast(z, self.variable_dtype)
        x = z * tf.math.rsqrt(tf.reduce_mean(tf.square(z), axis=-1, keepdims=True) + 1e-8)
        for layer in self.dense:
            x = layer(x)
        return x

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.w_size)

    def get_config(self):
        return {
            **super().get_config(),
            "w_size": self.w_size,
            "layers": self.layers,
            "learning_rate_multiplier": self.learning_rate_multiplier,
        }
