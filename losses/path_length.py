"""Path length regularisation (Karras et al. 2020, section 3.2): equal steps in w, equal changes."""

from collections.abc import Callable

import tensorflow as tf


def path_lengths(
    synthesis: Callable[[tf.Tensor], tf.Tensor], w: tf.Tensor, directions: tf.Tensor
) -> tf.Tensor:
    """Returns |J_w^T y| of every sample: root mean square over layers, [batch] float32.

    Args:
      synthesis: from w to images.
      w: [batch, latents, w_size], one latent a layer, so that every layer's Jacobian counts apart.
      directions: y, standard normal, of the images' shape [batch, height, width, channels].
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(w)
        images = synthesis(w)
        pixels = images.shape[1] * images.shape[2]
        projected = tf.reduce_sum(images * directions) / pixels**0.5
    gradient = tape.gradient(projected, w)
    return tf.sqrt(tf.reduce_mean(tf.reduce_sum(tf.square(gradient), axis=2), axis=1))


def track_mean(mean: tf.Tensor, lengths: tf.Tensor, decay: float = 0.01) -> tf.Tensor:
    """Returns the running mean moved by `decay` towards the batch's mean length, a scalar.

    The gradient flows through the new share, as in StyleGAN2.

    Args:
      mean: the mean so far; 0 at first.
      lengths: [batch].
      decay: the share of the new batch, in (0, 1].
    """
    return mean + decay * (tf.reduce_mean(lengths) - mean)


def path_length_penalty(lengths: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """Returns (length - mean)^2 of every sample, [batch]; the loss is weight times its mean.

    Args:
      lengths: [batch], from `path_lengths`.
      mean: the moved running mean, from `track_mean`.
    """
    return tf.square(lengths - mean)
