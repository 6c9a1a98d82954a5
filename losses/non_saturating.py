"""The non-saturating logistic loss (Goodfellow et al. 2014), StyleGAN2's and the warm-up's."""

import tensorflow as tf


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns mean softplus(fake) + mean softplus(-real), a float32 scalar.

    Args:
      real_logits: [reals].
      fake_logits: [fakes].
    """
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    call_real = tf.reduce_mean(tf.nn.softplus(-real_logits))
    call_fake = tf.reduce_mean(tf.nn.softplus(fake_logits))
    return call_real + call_fake


def generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns mean softplus(-fake), a float32 scalar.

    Args:
      fake_logits: [fakes].
    """
    return tf.reduce_mean(tf.nn.softplus(-tf.cast(fake_logits, tf.float32)))
