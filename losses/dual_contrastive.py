"""The dual contrastive loss (Yu et al. 2021, section 3): one real against all fakes, and back."""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.losses import relativistic

Contrast = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns -(L_real + L_fake), the loss that the discriminator minimises; a float32 scalar.

    With reals r_i and fakes f_j,

        L_real = mean_i log(e^r_i / (e^r_i + sum_j e^f_j))
        L_fake = mean_j log(e^-f_j / (e^-f_j + sum_i e^-r_i))

    Both are computed exactly in O(reals + fakes) and without overflow, because
    sum_j e^(f_j - r_i) = e^(logsumexp(f) - r_i). Adding a constant to all logits changes nothing,
    so the absolute level of the logits means nothing.

    Args:
      real_logits: [reals].
      fake_logits: [fakes]; the counts may differ.
    """
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    pick_real = tf.nn.softplus(tf.reduce_logsumexp(fake_logits) - real_logits)
    pick_fake = tf.nn.softplus(tf.reduce_logsumexp(-real_logits) + fake_logits)
    return tf.reduce_mean(pick_real) + tf.reduce_mean(pick_fake)


def pair_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns `discriminator_loss` of every pair (r_i, f_i) alone, averaged; a float32 scalar.

    With one real and one fake L_real and L_fake are the same log sigmoid(r_i - f_i), so that this
    is twice the relativistic pairing loss.

    Args:
      real_logits, fake_logits: [pairs].
    """
    return 2 * relativistic.discriminator_loss(real_logits, fake_logits)


def minimax_generator_loss(
    real_logits: tf.Tensor, fake_logits: tf.Tensor, contrast: Contrast = discriminator_loss
) -> tf.Tensor:
    """Returns L_real + L_fake: the generator minimises what the discriminator maximises.

    The paper's equation 3 taken literally. It saturates once the gap r - f exceeds about ln(fakes),
    which is why training starts with another loss. Both terms hold fakes, so both reach the
    generator.

    Args:
      real_logits: [reals]; no gradient flows into them.
      fake_logits: [fakes].
      contrast: what the discriminator minimises: `discriminator_loss` or `pair_loss`.
    """
    return -contrast(tf.stop_gradient(real_logits), fake_logits)


def swapped_generator_loss(
    real_logits: tf.Tensor, fake_logits: tf.Tensor, contrast: Contrast = discriminator_loss
) -> tf.Tensor:
    """Returns the discriminator's loss with the roles of real and fake exchanged.

    Departs from the paper: it never saturates, as the non-saturating loss does not.

    Args:
      real_logits: [reals]; no gradient flows into them.
      fake_logits: [fakes].
      contrast: what the discriminator minimises: `discriminator_loss` or `pair_loss`.
    """
    return contrast(fake_logits, tf.stop_gradient(real_logits))
