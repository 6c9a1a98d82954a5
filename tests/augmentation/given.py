"""Draws whose numbers a test chooses."""

import numpy as np
import tensorflow as tf


class Given:
    """Returns the number that was given for a name, for every image alike.

    Args:
      images: of the batch.
      **numbers: by the name of the draw; uniform ones lie in [0, 1).
    """

    def __init__(self, images: int, **numbers: float | list[float]):
        self._images, self._numbers = images, numbers

    def named(self, name):
        return self

    def uniform(self, name, shape=()):
        return tf.constant(self._of(name, shape), tf.float32)

    normal = uniform

    def integers(self, name, below, shape=()):
        found = self._of(name, shape)
        assert (0 <= found).all() and (found < below).all()
        return tf.constant(found, tf.int32)

    def once(self, name):
        return tf.constant(self._numbers[name], tf.float32)

    def of_batch(self, name, draw):
        given = np.asarray(self._numbers[name], np.float32)
        return tf.constant(np.broadcast_to(given, (self._images, *given.shape)))

    def _of(self, name, shape):
        return np.broadcast_to(self._numbers[name], (self._images, *shape))
