"""From random latents z to the disentangled latents w."""

import keras
import tensorflow as tf

from dualcontrast.layers import equalized_dense


@keras.saving.register_keras_serializable("dualcontrast")
class MappingNetwork(keras.layers.Layer):
    """Normalises z to unit mean square and passes it through fully connected leaky ReLU layers.

    Karras et al. 2019, section 2, with StyleGAN2's constants. Always in the variables' type:
    float32 under mixed precision.

    With classes, the label's embedding stands beside z, each normalised for itself (Karras et al.
    2020a, StyleGAN2-ADA's program; StyleGAN2's own has a table without the scale, and normalises
    both together). With no z it is a mapping of labels alone, as their discriminator has one.

    >>> MappingNetwork(32, layers=2)(tf.ones([4, 16])).shape
    TensorShape([4, 32])

    Args:
      w_size: width of every layer and of w.
      layers: how many, at least 1; with classes also 0, for the embedding alone.
      learning_rate_multiplier: of these layers against the generator's.
      classes: of the labels; 0 for none.
      gain_on_bias: see `EqualizedDense`; False for StyleGAN's.
    """

    def __init__(
        self,
        w_size: int = 512,
        layers: int = 8,
        learning_rate_multiplier: float = 0.01,
        classes: int = 0,
        gain_on_bias: bool = True,
        **kwargs,
    ):
        # No autocast: it would round z to the compute type.
        super().__init__(autocast=False, **kwargs)
        if min(w_size, layers + (classes > 0)) < 1:
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
        self.classes = classes
        self.gain_on_bias = gain_on_bias

    def build(self, input_shape):
        if input_shape[-1] and not self.layers:
            raise ValueError("MappingNetwork: layers must be >= 1 where there is z, got 0")
        if self.classes:
            self.embedding = equalized_dense.EqualizedDense(
                self.w_size, name="embedding", dtype=self.variable_dtype
            )
            self.embedding.build((None, self.classes))
            input_shape = (*input_shape[:-1], input_shape[-1] + self.w_size)
        self.dense = [
            equalized_dense.EqualizedDense(
                self.w_size,
                self.learning_rate_multiplier,
                "leaky_relu",
                self.gain_on_bias,
                name=f"dense{i}",
                dtype=self.variable_dtype,
            )
            for i in range(self.layers)
        ]
        for layer in self.dense:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, z, labels=None):
        """Returns w, [batch, w_size].

        Args:
          z: [batch, latent_size], or None for labels alone.
          labels: [batch] int, where there are classes.
        """
        parts = [] if z is None else [tf.cast(z, self.variable_dtype)]
        if self.classes:
            parts.append(
                self.embedding(tf.one_hot(labels, self.classes, dtype=self.variable_dtype))
            )
        x = tf.concat([_normalised(part) for part in parts], axis=-1)
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
            "classes": self.classes,
            "gain_on_bias": self.gain_on_bias,
        }


def _normalised(x: tf.Tensor) -> tf.Tensor:
    """Returns x with a mean square of 1 in every row."""
    return x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + 1e-8)
