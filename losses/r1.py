"""The R1 penalty (Mescheder et al. 2018): the discriminator is flat around real images."""

from collections.abc import Callable

import tensorflow as tf


def r1_penalty(discriminator: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor) -> tf.Tensor:
    """Returns |d D(x) / d x|^2 of every image, [batch] float32; the loss is gamma / 2 its mean.

    Args:
      discriminator: from images to logits, [batch].
      images: reals, [batch, height, width, channels].
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        # The gradient of the sum: every logit's gradient on its own image (and, through the
        # minibatch deviation, its neighbours', as StyleGAN2 has it).
        logit_sum = tf.reduce_sum(discriminator(images))
    gradient = tf.cast(tape.gradient(logit_sum, images), tf.float32)
    return tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3])
