"""The block of the residual generator, which doubles the resolution."""

import keras
import tensorflow as tf

from dualcontrast.layers import batch_normalisation, convolution


@keras.saving.register_keras_serializable("dualcontrast")
class UpBlock(keras.layers.Layer):
    """Two normalised and activated convolutions at twice the resolution, and a shortcut.

    Miyato et al. 2018, figure 10.

    >>> UpBlock(8)(tf.zeros([2, 4, 4, 16])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      classes: of the labels that the normalisations are given; 0 for none.
    """

    def __init__(self, filters: int, classes: int = 0, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"UpBlock: filters must be >= 1, got {filters}")
        self.filters = filters
        self.classes = classes

    def build(self, input_shape):
        self.norms = [self._norm(f"norm{k}") for k in range(2)]
        self.convs = [self._residual(f"conv{k}") for k in range(2)]
        self.shortcut = self._shortcut("shortcut")
        inner = (*input_shape[:-1], self.filters)
        for shape, norm, conv in zip((input_shape, inner), self.norms, self.convs):
            norm.build(shape)
            conv.build(shape)
        self.shortcut.build(input_shape)

    def _norm(self, name: str) -> keras.layers.Layer:
        return batch_normalisation.BatchNormalization(
            classes=self.classes, name=name, dtype=self.dtype_policy
        )

    def _residual(self, name: str) -> keras.layers.Layer:
        """Returns a 3x3 convolution of the residual."""
        return convolution.Conv2D(
            self.filters,
            3,
            name=name,
            dtype=self.dtype_policy,
            kernel_initializer=residual_initializer(),
        )

    def _shortcut(self, name: str) -> keras.layers.Layer:
        """Returns the 1x1 convolution of the shortcut."""
        return convolution.Conv2D(self.filters, 1, name=name, dtype=self.dtype_policy)

    def call(self, x, labels=None, training: bool = False, track: bool = False):
        """Returns [batch, 2 height, 2 width, filters].

        Args:
          x: [batch, height, width, channels].
          labels, training, track: see `BatchNormalization`.
        """
        how = {"labels": labels, "training": training, "track": track}
        residual = tf.nn.relu(self.norms[0](x, **how))
        residual = self.convs[0](doubled(residual))
        residual = tf.nn.relu(self.norms[1](residual, **how))
        # Where all four pixels are alike, so are those that a 1x1 convolution makes of them.
        return doubled(self.shortcut(x)) + self.convs[1](residual)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, 2 * height, 2 * width, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "classes": self.classes}


def residual_initializer() -> keras.initializers.Initializer:
    """Returns Glorot's uniform distribution times the square root of 2.

    A new one for each layer, because one draws the same values again.
    """
    return keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")


def doubled(x: tf.Tensor) -> tf.Tensor:
    """Returns every pixel four times."""
    _, height, width, channels = x.shape
    x = tf.tile(x[:, :, None, :, None, :], [1, 1, 2, 1, 2, 1])
    return tf.reshape(x, [-1, 2 * height, 2 * width, channels])
