"""What U-Net GAN's discriminator is asked of mixed images (Schonfeld et al. 2020, section 3.2)."""

import tensorflow as tf


def classification(logits: tf.Tensor, pixel_logits: tf.Tensor, mask: tf.Tensor):
    """Returns two cross entropies of each mixed image, [batch] float32 each.

    That of the image, which is fake as a whole, and the mean of those of its pixels, which are what
    the mask says (equation 6).

    Args:
      logits: [batch].
      pixel_logits: [batch, height, width].
      mask: [batch, height, width], 1 where a pixel is real, 0 where it is fake.
    """
    of_pixels = tf.nn.sigmoid_cross_entropy_with_logits(labels=mask, logits=pixel_logits)
    return tf.nn.softplus(logits), tf.reduce_mean(of_pixels, axis=[1, 2])


def consistency(of_mixed: tf.Tensor, mixed: tf.Tensor) -> tf.Tensor:
    """Returns the mean squared difference of each image's pixels, [batch] float32.

    Equation 7, of logits as in the program; the gradient goes through both.

    Args:
      of_mixed: [batch, height, width], logits of the pixels of mixed images.
      mixed: [batch, height, width], logits of reals' and of fakes' pixels, mixed likewise.
    """
    return tf.reduce_mean(tf.math.squared_difference(of_mixed, mixed), axis=[1, 2])
