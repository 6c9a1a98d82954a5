"""The hinge loss (Lim and Ye 2017) of SAGAN and BigGAN."""

import tensorflow as tf


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns mean max(0, 1 - real) + mean max(0, 1 + fake), a float32 scalar.

    The generator's loss is the Wasserstein game's.

    Args:
      real_logits: [reals].
      fake_logits: [fakes].
    """
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    missed_real = tf.reduce_mean(tf.nn.relu(1.0 - real_logits))
    return missed_real + tf.reduce_mean(tf.nn.relu(1.0 + fake_logits))
