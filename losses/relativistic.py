"""The relativistic pairing loss (Jolicoeur-Martineau 2019): a real against the fake beside it."""

import tensorflow as tf


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns mean softplus(-(real - fake)) over pairs, a float32 scalar.

    RpGAN, with f(t) = -log(1 + e^-t) (Huang et al. 2024): adding a constant to all
    logits changes nothing.

    Args:
      real_logits, fake_logits: [pairs].
    """
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    return tf.reduce_mean(tf.nn.softplus(fake_logits - real_logits))


def generator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns mean softplus(-(fake - real)) over pairs, a float32 scalar: it does not saturate.

    Args:
      real_logits: [pairs]; no gradient flows into them.
      fake_logits: [pairs].
    """
    return discriminator_loss(fake_logits, tf.stop_gradient(real_logits))
