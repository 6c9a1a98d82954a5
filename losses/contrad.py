"""ContraD's contrastive losses (Jeong and Shin 2021, equations 3 and 5)."""

import tensorflow as tf

_NEVER = -5e4  # in place of a likeness with itself: its exponential is 0


def nt_xent(one: tf.Tensor, two: tf.Tensor, temperature: float) -> tf.Tensor:
    """Returns the normalised cross entropy with a temperature (Chen et al. 2020), a scalar.

    Every view of an image finds its other view among the views of all images but itself.

    Args:
      one, two: [images, size], projections of two views of the same images, of any length.
      temperature: that divides cosines.
    """
    views = tf.math.l2_normalize(tf.concat([one, two], axis=0), axis=-1)
    likeness = _likeness(views, views, temperature)
    images = tf.shape(one)[0]
    partners = tf.roll(tf.range(2 * images), images, axis=0)
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=partners, logits=likeness)
    )


def fake_contrast(reals: tf.Tensor, fakes: tf.Tensor, temperature: float) -> tf.Tensor:
    """Returns the supervised contrastive loss (Khosla et al. 2020) of fakes, a scalar.

    Every fake finds the other fakes, in the mean of their log likelihoods, among them and all views
    of reals, which are anchors of nothing.

    Args:
      reals: [views, size], projections of any length.
      fakes: [images, size], two or more.
      temperature: that divides cosines.
    """
    # Fakes first: on the diagonal, then, an image meets itself.
    everything = tf.math.l2_normalize(tf.concat([fakes, reals], axis=0), axis=-1)
    count = tf.shape(fakes)[0]
    anchors = everything[:count]
    log_likelihoods = tf.nn.log_softmax(_likeness(anchors, everything, temperature))
    others = tf.linalg.set_diag(log_likelihoods[:, :count], tf.zeros([count]))
    pairs = tf.cast(count * (count - 1), tf.float32)
    return -tf.reduce_sum(others) / pairs


def _likeness(anchors: tf.Tensor, others: tf.Tensor, temperature: float) -> tf.Tensor:
    """Returns cosines over the temperature; anchor i is the same image as other i."""
    found = tf.matmul(anchors, others, transpose_b=True) / temperature
    return tf.linalg.set_diag(found, tf.fill(tf.shape(anchors)[:1], _NEVER))
