"""Feature maps as lists of pixels, and the products that attention makes of them."""

import keras
import tensorflow as tf


def flat(x: tf.Tensor) -> tf.Tensor:
    """Returns [batch, height * width, channels] of [batch, height, width, channels]."""
    batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    return tf.reshape(x, [batch, x.shape[1] * x.shape[2], x.shape[3]])


def project(x: tf.Tensor, kernel: keras.Variable) -> tf.Tensor:
    """Returns x @ kernel / sqrt(inputs), the equalised learning rate of a layer without bias.

    Args:
      x: [batch, rows, inputs].
      kernel: [inputs, outputs], of variance 1.
    """
    inputs, outputs = kernel.shape
    scaled = tf.cast(kernel.value * inputs**-0.5, x.dtype)
    batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    product = tf.matmul(tf.reshape(x, [-1, inputs]), scaled)
    return tf.reshape(product, [batch, x.shape[1], outputs])


def softmax(logits: tf.Tensor, axis: int, dtype: str) -> tf.Tensor:
    """Returns the softmax, computed in `dtype`: bfloat16 has three digits."""
    return tf.cast(tf.nn.softmax(tf.cast(logits, dtype), axis=axis), logits.dtype)
