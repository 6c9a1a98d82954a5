"""Batch normalisation whose moments move when the trainer says so."""

import contextlib
import contextvars
from collections.abc import Iterator

import keras
import tensorflow as tf

from dualcontrast.layers import class_table, networks

_ALONE = contextvars.ContextVar("alone", default=False)
_MOST = contextvars.ContextVar("most", default=1.0)


@contextlib.contextmanager
def ghost_batches(alone: bool = True) -> Iterator[None]:
    """Takes the moments of passes in this thread by themselves (Hoffer et al. 2017).

    Args:
      alone: False leaves them as they are, over all replicas.
    """
    token = _ALONE.set(alone)
    try:
        yield
    finally:
        _ALONE.reset(token)


@contextlib.contextmanager
def keeping_at_most(share) -> Iterator[None]:
    """Lets passes in this thread keep no more of the moments that were kept before.

    Args:
      share: of them, a number or a scalar float32, from 0 to 1.
    """
    token = _MOST.set(share)
    try:
        yield
    finally:
        _MOST.reset(token)


class Moments(keras.layers.Layer):
    """What every batch normalisation has: the moments of a batch, and those that it keeps.

    The moments of a batch are over all replicas, so that their number changes nothing, but for
    `ghost_batches`. The kept variance is the batch's own, without the factor n / (n - 1).

    Args:
      decay: of the kept moments a batch, in [0, 1); see also `keeping_at_most`.
      epsilon: added to the variance, positive.
    """

    def __init__(self, decay: float, epsilon: float, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f"{type(self).__name__}: decay must be in [0, 1), got {decay}")
        if not epsilon > 0:
            raise ValueError(f"{type(self).__name__}: epsilon must be > 0, got {epsilon}")
        self.decay = decay
        self.epsilon = epsilon

    def build_moments(self, channels: int) -> None:
        """Makes the kept moments."""
        kept = {"shape": (channels,), "trainable": False, "autocast": False, "aggregation": "mean"}
        self.mean = self.add_weight(name="mean", initializer="zeros", **kept)
        self.variance = self.add_weight(name="variance", initializer="ones", **kept)

    def moments(self, x, training: bool, track: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the mean and variance of every channel to normalise `x` by.

        Args:
          x: [batch, ..., channels], of the variables' type.
          training: those of `x` over all replicas; else the kept ones.
          track: move the kept moments towards those of `x`; in training.
        """
        if not training:
            return self.mean.value, self.variance.value
        mean, variance = _moments(x)
        if track:
            share = tf.minimum(self.decay, tf.cast(_MOST.get(), mean.dtype))
            for kept, seen in ((self.mean, mean), (self.variance, variance)):
                kept.assign(share * kept.value + (1 - share) * seen)
        return mean, variance

    def get_config(self):
        return {**super().get_config(), "decay": self.decay, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("dualcontrast")
class BatchNormalization(Moments):
    """Normalises every channel by moments, then scales and shifts it (Ioffe and Szegedy 2015).

    With classes, each has its own scale and shift of every channel, and there are no others
    (Dumoulin et al. 2017, as in Miyato and Koyama's program); the moments are of all classes.

    >>> BatchNormalization()(tf.zeros([2, 16, 16, 4]), training=True).shape
    TensorShape([2, 16, 16, 4])

    Args:
      decay, epsilon: see `Moments`.
      classes: that have scales and shifts of their own; 0 for one of each.
    """

    def __init__(self, decay: float = 0.9, epsilon: float = 2e-5, classes: int = 0, **kwargs):
        super().__init__(decay, epsilon, **kwargs)
        self.classes = classes

    def build(self, input_shape):
        shape = (int(input_shape[-1]),)
        affine = {"shape": (self.classes, *shape) if self.classes else shape, "autocast": False}
        self.gamma = self.add_weight(name="gamma", initializer="ones", **affine)
        self.beta = self.add_weight(name="beta", initializer="zeros", **affine)
        self.build_moments(*shape)

    def call(self, x, labels=None, training: bool = False, track: bool = False):
        """Returns `x`, [batch, ..., channels], normalised.

        Args:
          x: the input.
          labels: [batch] int, where there are classes.
          training, track: see `Moments.moments`.
        """
        networks.check_labels(self, self.classes, labels)
        wide = tf.cast(x, self.variable_dtype)
        mean, variance = self.moments(wide, training, track)
        gamma, beta = (self._of_labels(table, labels, wide) for table in (self.gamma, self.beta))
        scale = gamma * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast((wide - mean) * scale + beta, x.dtype)

    def _of_labels(self, table, labels, x: tf.Tensor) -> tf.Tensor:
        """Returns the scale or shift of every sample of `x`, or the only one."""
        if not self.classes:
            return table.value
        found = class_table.rows(tf.convert_to_tensor(table.value), labels)
        return tf.reshape(found, [-1, *[1] * (x.shape.rank - 2), x.shape[-1]])

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


def _moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean and variance of every channel."""
    axes = list(range(x.shape.rank - 1))
    mean = _over_replicas(tf.reduce_mean(x, axes))
    return mean, _over_replicas(tf.reduce_mean(tf.square(x - mean), axes))


def _over_replicas(x: tf.Tensor) -> tf.Tensor:
    """Returns the mean over the replicas; it has a derivative. Of ghost batches there is none."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1 or _ALONE.get():
        return x
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, x)
