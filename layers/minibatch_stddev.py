"""How much a group of samples varies, told to the discriminator."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("dualcontrast")
class MinibatchStddev(keras.layers.Layer):
    """Appends one channel: the standard deviation over a group of samples, averaged over the rest.

    Karras et al. 2018, section 3, with StyleGAN2's strided groups: of a batch of N in groups of G,
    sample n is in group n mod (N / G).

    Departs from StyleGAN2, which refuses a batch that its group does not divide: the group is the
    largest divisor of the batch up to `group`.

    >>> MinibatchStddev()(tf.zeros([8, 4, 4, 16])).shape
    TensorShape([8, 4, 4, 17])

    Args:
      group: largest group, at least 1.
    """

    def __init__(self, group: int = 4, **kwargs):
        super().__init__(**kwargs)
        if group < 1:
            raise ValueError(f"MinibatchStddev: group must be >= 1, got {group}")
        self.group = group

    def call(self, x):
        batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
        size = self._group_size(batch)
        height, width, channels = x.shape[1:]
        # In the variables' type, which is float32 under mixed precision: bfloat16 has three digits.
        groups = tf.cast(tf.reshape(x, [size, -1, height, width, channels]), self.variable_dtype)
        variance = tf.reduce_mean(tf.square(groups - tf.reduce_mean(groups, 0)), 0)
        stddev = tf.reduce_mean(tf.sqrt(variance + 1e-8), axis=[1, 2, 3])
        stddev = tf.tile(stddev, [size])[:, None, None, None]
        plane = tf.broadcast_to(tf.cast(stddev, x.dtype), [batch, height, width, 1])
        return tf.concat([x, plane], axis=-1)

    def _group_size(self, batch):
        if isinstance(batch, int):
            return max(g for g in range(1, self.group + 1) if batch % g == 0)
        size = tf.constant(1)
        for g in range(2, self.group + 1):
            size = tf.where(batch % g == 0, g, size)
        return size

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return {**super().get_config(), "group": self.group}
