"""The block of the residual generator, which doubles the resolution."""

import keras
import tensorflow as tf

from dualcontrast.layers import batch_normalisation


@keras.saving.register_keras_serializable("dualcontrast")
class UpBlock(keras.layers.Layer):
    """Two normalised and activated convolutions at twice the resolution, and a shortcut.

    Miyato et al. 2018, figure 10.

    >>> UpBlock(8)(tf.zeros([2, 4, 4, 16])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"UpBlock: filters must be >= 1, got {filters}")
        self.filters = filters

    def build(self, input_shape):
        policy, filters = self.dtype_policy, self.filters
        self.norms = [
            batch_normalisation.BatchNormalization(name=f"norm{k}", dtype=policy) for k in range(2)
        ]
        self.convs = [
            keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                name=f"conv{k}",
                dtype=policy,
                kernel_initializer=residual_initializer(),
            )
            for k in range(2)
        ]
        self.shortcut = keras.layers.Conv2D(filters, 1, name="shortcut", dtype=policy)
        inner = (*input_shape[:-1], filters)
        for shape, norm, conv in zip((input_shape, inner), self.norms, self.convs):
            norm.build(shape)
            conv.build(shape)
        self.shortcut.build(input_shape)

    def call(self, x, training: bool = False, track: bool = False):
        """Returns [batch, 2 height, 2 width, filters].

        Args:
          x: [batch, height, width, channels].
          training, track: see `BatchNormalization`.
        """
        residual = tf.nn.relu(self.norms[0](x, training=training, track=track))
        residual = self.convs[0](_doubled(residual))
        residual = tf.nn.relu(self.norms[1](residual, training=training, track=track))
        # Where all four pixels are alike, so are those that a 1x1 convolution makes of them.
        return _doubled(self.shortcut(x)) + self.convs[1](residual)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, 2 * height, 2 * width, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


def residual_initializer() -> keras.initializers.Initializer:
    """Returns Glorot's uniform distribution times the square root of 2.

    A new one for each layer, because one draws the same values again.
    """
    return keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")


def _doubled(x: tf.Tensor) -> tf.Tensor:
    """Returns every pixel four times."""
    _, height, width, channels = x.shape
    x = tf.tile(x[:, :, None, :, None, :], [1, 1, 2, 1, 2, 1])
    return tf.reshape(x, [-1, 2 * height, 2 * width, channels])
