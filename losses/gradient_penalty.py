"""The gradient penalty of WGAN-GP (Gulrajani et al. 2017): slope 1 between reals and fakes."""

from collections.abc import Callable

import tensorflow as tf


def gradient_penalty(
    discriminator: Callable[[tf.Tensor], tf.Tensor],
    reals: tf.Tensor,
    fakes: tf.Tensor,
    mixture: tf.Tensor,
) -> tf.Tensor:
    """Returns (|d D(x) / d x| - 1)^2 of every mixed image, [batch] float32.

    Args:
      discriminator: from images to logits, [batch].
      reals, fakes: [batch, height, width, channels].
      mixture: the share of the fake in each mixed image, [batch], in [0, 1].
    """
    mixed = reals + (fakes - reals) * tf.cast(mixture, reals.dtype)[:, None, None, None]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(mixed)
        logit_sum = tf.reduce_sum(discriminator(mixed))
    gradient = tf.cast(tape.gradient(logit_sum, mixed), tf.float32)
    # The small number keeps the root's derivative finite where the discriminator is flat.
    slope = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3]) + 1e-12)
    return tf.square(slope - 1.0)
