"""The original GAN's minimax game (Goodfellow et al. 2014, equation 1) on logits."""

import tensorflow as tf


def generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns -mean softplus(fake), a float32 scalar, which saturates where fakes are found out.

    The discriminator's loss is the non-saturating game's.

    Args:
      fake_logits: [fakes].
    """
    return -tf.reduce_mean(tf.nn.softplus(tf.cast(fake_logits, tf.float32)))
