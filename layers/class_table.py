"""A row of numbers for every class."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("dualcontrast")
class ClassTable(keras.layers.Layer):
    """A trained row of numbers for every class: an embedding of labels.

    >>> ClassTable(8, classes=3)(tf.constant([2, 0])).shape
    TensorShape([2, 8])

    Args:
      units: of a row, at least 1.
      classes: rows, at least 1.
      initializer: of the rows, by its name in Keras.
    """

    def __init__(self, units: int, classes: int, initializer: str = "glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        if min(units, classes) < 1:
            raise ValueError(
                f"ClassTable: units and classes must be >= 1, got {units} and {classes}"
            )
        self.units = units
        self.classes = classes
        self.initializer = initializer

    def build(self, input_shape=None):
        self.kernel = self.add_weight(
            name="kernel", shape=(self.classes, self.units), initializer=self.initializer
        )

    def call(self, labels):
        """Returns the rows of labels, [batch, units].

        Args:
          labels: [batch] int, below `classes`.
        """
        return rows(tf.convert_to_tensor(self.kernel.value), labels)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "classes": self.classes,
            "initializer": self.initializer,
        }


def rows(table: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Returns the rows of a table that labels ask for, [batch, units].

    A product, not a gather: its derivative is a dense tensor like every other variable's.

    Args:
      table: [classes, units].
      labels: [batch] int.
    """
    return tf.matmul(tf.one_hot(labels, table.shape[0], dtype=table.dtype), table)
