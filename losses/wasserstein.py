"""The Wasserstein loss (Arjovsky et al. 2017) with the drift term of Karras et al. 2018."""

import tensorflow as tf


def discriminator_loss(
    real_logits: tf.Tensor, fake_logits: tf.Tensor, drift: float = 0.001
) -> tf.Tensor:
    """Returns mean fake - mean real + drift * mean real^2, a float32 scalar.

    Args:
      real_logits: [reals].
      fake_logits: [fakes].
      drift: weight of what keeps the logits near zero; nothing else fixes their level.
    """
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    distance = tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits)
    return drift * tf.reduce_mean(tf.square(real_logits)) - distance


def generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns -mean fake, a float32 scalar; the hinge game's as well.

    Args:
      fake_logits: [fakes].
    """
    return -tf.reduce_mean(tf.cast(fake_logits, tf.float32))
