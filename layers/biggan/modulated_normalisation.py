"""Batch normalisation whose scale and shift are made of a vector."""

import keras
import tensorflow as tf

from dualcontrast.layers import batch_normalisation
from dualcontrast.layers.biggan import normalised


@keras.saving.register_keras_serializable("dualcontrast")
class ModulatedBatchNormalization(batch_normalisation.Moments):
    """Normalises every channel by moments, scales it by 1 + gain and adds a shift.

    Gain and shift are linear in the vector, with spectral normalisation (Brock et al. 2019, of the
    class and a share of z); or, with a hidden layer, plain (Schonfeld et al. 2020, their generator
    without classes, of all z: self-modulation).

    >>> ModulatedBatchNormalization()(tf.zeros([2, 8, 8, 4]), tf.zeros([2, 5])).shape
    TensorShape([2, 8, 8, 4])

    Args:
      hidden: units of the hidden layer of each; 0 for none.
      decay, epsilon: see `Moments`.
    """

    def __init__(self, hidden: int = 0, decay: float = 0.9, epsilon: float = 1e-5, **kwargs):
        super().__init__(decay, epsilon, **kwargs)
        if hidden < 0:
            raise ValueError(f"ModulatedBatchNormalization: hidden must be >= 0, got {hidden}")
        self.hidden = hidden

    def build(self, x_shape, condition_shape):
        channels = int(x_shape[-1])
        self.gain, self.shift = (self._make(name, channels) for name in ("gain", "shift"))
        for layers in (self.gain, self.shift):
            shape = condition_shape
            for layer in layers:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
        self.build_moments(channels)

    def _make(self, name: str, channels: int) -> list[keras.layers.Layer]:
        """Returns what makes a gain or shift of the vector, one layer after the other."""
        # In the variables' float32 under mixed precision, as all of a normalisation.
        dtype = self.variable_dtype
        if not self.hidden:
            return [normalised.dense(channels, name, dtype, use_bias=False)]
        how = {"kernel_initializer": normalised.ORTHOGONAL, "dtype": dtype}
        first = keras.layers.Dense(self.hidden, activation="relu", name=f"{name}_hidden", **how)
        return [first, keras.layers.Dense(channels, use_bias=False, name=name, **how)]

    def call(self, x, condition, training: bool = False, track: bool = False):
        """Returns `x`, [batch, ..., channels], normalised.

        Args:
          x: the input.
          condition: [batch, width], the vector of each sample.
          training, track: see `Moments.moments`.
        """
        wide = tf.cast(x, self.variable_dtype)
        mean, variance = self.moments(wide, training, track)
        gain, shift = (
            self._of(layers, condition, wide.shape.rank) for layers in (self.gain, self.shift)
        )
        unit = (wide - mean) * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(unit * (1 + gain) + shift, x.dtype)

    def _of(self, layers: list[keras.layers.Layer], condition, rank: int) -> tf.Tensor:
        """Returns a gain or shift, [batch, 1, ..., channels]."""
        found = tf.cast(condition, self.variable_dtype)
        for layer in layers:
            found = layer(found)
        return tf.reshape(found, [-1, *[1] * (rank - 2), found.shape[-1]])

    def compute_output_shape(self, x_shape, condition_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "hidden": self.hidden}
