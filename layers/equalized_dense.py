"""Fully connected layer with an equalised learning rate."""

import keras
import tensorflow as tf

from dualcontrast.layers import activation as activations


@keras.saving.register_keras_serializable("dualcontrast")
class EqualizedDense(keras.layers.Layer):
    """y = activation(x @ W * c + b * learning_rate_multiplier), with c as below.

    Equalised learning rate (Karras et al. 2018, section 4.1; StyleGAN2 constants): the variable is
    drawn from N(0, 1 / learning_rate_multiplier) and used as W * learning_rate_multiplier /
    sqrt(inputs), so that Adam's steps are of one size relative to every layer's weights.

    >>> EqualizedDense(8)(tf.zeros([2, 4])).shape
    TensorShape([2, 8])

    Args:
      units: output features, at least 1.
      learning_rate_multiplier: of this layer against the optimizer's, positive.
      activation: "linear" or "leaky_relu".
      gain_on_bias: whether the activation's gain is on the bias too, as in StyleGAN2, or on the
        weights alone, as in StyleGAN.
    """

    def __init__(
        self,
        units: int,
        learning_rate_multiplier: float = 1.0,
        activation: str = "linear",
        gain_on_bias: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"EqualizedDense: units must be >= 1, got {units}")
        if learning_rate_multiplier <= 0:
            raise ValueError(
                "EqualizedDense: learning_rate_multiplier must be positive, "
                f"got {learning_rate_multiplier}"
            )
        self.units = units
        self.learning_rate_multiplier = learning_rate_multiplier
        self.activation = activations.Activation(activation)
        self.gain_on_bias = gain_on_bias

    def build(self, input_shape):
        self.inputs = int(input_shape[-1])
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.inputs, self.units),
            initializer=keras.initializers.RandomNormal(stddev=1 / self.learning_rate_multiplier),
            autocast=False,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer="zeros", autocast=False
        )

    def call(self, x):
        # The activation's gain goes into the weights: the leaky ReLU is positively homogeneous.
        multiplier = self.learning_rate_multiplier * self.activation.gain
        kernel = tf.cast(self.kernel.value * (multiplier / self.inputs**0.5), x.dtype)
        if not self.gain_on_bias:
            multiplier = self.learning_rate_multiplier
        return self.activation(tf.matmul(x, kernel), self.bias.value * multiplier)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "activation": self.activation.name,
            "gain_on_bias": self.gain_on_bias,
        }
