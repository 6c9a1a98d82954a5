"""Batch normalisation whose moments move when the trainer says so."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("dualcontrast")
class BatchNormalization(keras.layers.Layer):
    """Normalises every channel by moments, then scales and shifts it (Ioffe and Szegedy 2015).

    The moments of a batch are over all replicas, so that their number changes nothing. The kept
    variance is the batch's own, without the factor n / (n - 1).

    >>> BatchNormalization()(tf.zeros([2, 16, 16, 4]), training=True).shape
    TensorShape([2, 16, 16, 4])

    Args:
      decay: of the kept moments a batch, in [0, 1).
      epsilon: added to the variance, positive.
    """

    def __init__(self, decay: float = 0.9, epsilon: float = 2e-5, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f"BatchNormalization: decay must be in [0, 1), got {decay}")
        if not epsilon > 0:
            raise ValueError(f"BatchNormalization: epsilon must be > 0, got {epsilon}")
        self.decay = decay
        self.epsilon = epsilon

    def build(self, input_shape):
        shape = (int(input_shape[-1]),)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros", autocast=False)
        kept = {"shape": shape, "trainable": False, "autocast": False, "aggregation": "mean"}
        self.mean = self.add_weight(name="mean", initializer="zeros", **kept)
        self.variance = self.add_weight(name="variance", initializer="ones", **kept)

    def call(self, x, training: bool = False, track: bool = False):
        """Returns `x`, [batch, ..., channels], normalised.

        Args:
          x: the input.
          training: by the moments of `x` over all replicas; else by the kept ones.
          track: move the kept moments towards those of `x`; in training.
        """
        wide = tf.cast(x, self.variable_dtype)
        mean, variance = self.mean.value, self.variance.value
        if training:
            mean, variance = _moments(wide)
        if training and track:
            for kept, seen in ((self.mean, mean), (self.variance, variance)):
                kept.assign(self.decay * kept.value + (1 - self.decay) * seen)
        scale = self.gamma.value * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast((wide - mean) * scale + self.beta.value, x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "decay": self.decay, "epsilon": self.epsilon}


def _moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean and variance of every channel."""
    axes = list(range(x.shape.rank - 1))
    mean = _over_replicas(tf.reduce_mean(x, axes))
    return mean, _over_replicas(tf.reduce_mean(tf.square(x - mean), axes))


def _over_replicas(x: tf.Tensor) -> tf.Tensor:
    """Returns the mean over the replicas; it has a derivative."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return x
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, x)
