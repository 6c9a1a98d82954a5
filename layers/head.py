"""Two dense layers upon the features of a discriminator."""

import keras
import tensorflow as tf

from dualcontrast.layers import activation, class_table
from dualcontrast.layers.spectral_normalisation import SpectralNormalization

_SLOPE = 0.1  # of the leaky ReLU below zero


@keras.saving.register_keras_serializable("dualcontrast")
class Head(keras.layers.Layer):
    """Dense, leaky ReLU, dense: ContraD's logits and its projections (Jeong and Shin 2021).

    With classes, every number also has the product of the hidden layer with an embedding of the
    label (Miyato and Koyama 2018).

    >>> Head(128, hidden=512)(tf.zeros([2, 64])).shape
    TensorShape([2, 128])

    Args:
      units: numbers for each image.
      hidden: units of the first layer.
      normalised: whether the layers are spectrally normalised.
      deviation: of the first weights, around 0 as the first biases are; None for uniform weights
        and biases within 1 / sqrt(inputs).
      classes: of the labels; 0 for none.
    """

    def __init__(
        self,
        units: int,
        hidden: int,
        normalised: bool = False,
        deviation: float | None = None,
        classes: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if min(units, hidden) < 1:
            raise ValueError(f"Head: units and hidden must be >= 1, got {units} and {hidden}")
        self.units = units
        self.hidden = hidden
        self.normalised = normalised
        self.deviation = deviation
        self.classes = classes

    def build(self, features_shape, labels_shape=None):
        inputs = int(features_shape[-1])
        self.first = self._dense(inputs, self.hidden, "first")
        self.second = self._dense(self.hidden, self.units, "second")
        self.first.build((None, inputs))
        self.second.build((None, self.hidden))
        if self.classes:
            table = class_table.ClassTable(
                self.hidden, self.classes, name="embedding", dtype=self.dtype_policy
            )
            self.embedding = self._wrapped(table, "embedding")
            self.embedding.build((None,))

    def _dense(self, inputs: int, units: int, name: str) -> keras.layers.Layer:
        dense = keras.layers.Dense(
            units, **first_weights(inputs, self.deviation), name=name, dtype=self.dtype_policy
        )
        return self._wrapped(dense, name)

    def _wrapped(self, layer: keras.layers.Layer, name: str) -> keras.layers.Layer:
        if not self.normalised:
            return layer
        return SpectralNormalization(layer, name=name, dtype=self.dtype_policy)

    def call(self, features, labels=None, iterations: int = 1):
        """Returns [batch, units].

        Args:
          features: [batch, width].
          labels: [batch] int, where there are classes.
          iterations: see `SpectralNormalization`.
        """
        how = {"iterations": iterations} if self.normalised else {}
        x = activation.leaky_relu(self.first(features, **how), _SLOPE)
        found = self.second(x, **how)
        if self.classes:
            found += tf.reduce_sum(x * self.embedding(labels, **how), axis=-1, keepdims=True)
        return found

    def compute_output_shape(self, features_shape, labels_shape=None):
        return (*features_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "hidden": self.hidden,
            "normalised": self.normalised,
            "deviation": self.deviation,
            "classes": self.classes,
        }


def first_weights(inputs: int, deviation: float | None = None) -> dict:
    """Returns the initialisers of a dense layer or convolution, as its arguments.

    Args:
      inputs: numbers that an output is the sum of.
      deviation: see `Head`.
    """
    if deviation is not None:
        return {"kernel_initializer": keras.initializers.RandomNormal(stddev=deviation)}
    bound = inputs**-0.5
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return {"kernel_initializer": kernel, "bias_initializer": bias}


def check(head_width: int | None, projection_size: int) -> None:
    """Raises ValueError for projections without hidden layers."""
    if projection_size and head_width is None:
        raise ValueError(
            f"projection_size={projection_size} needs a head_width, of its hidden layers"
        )
