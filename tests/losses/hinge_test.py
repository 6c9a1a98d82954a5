"""The hinge loss."""

import numpy as np
import tensorflow as tf

from dualcontrast.losses import hinge


def test_the_value_is_worked_out_by_hand():
    # Reals miss by 0, 0.5, 3; fakes by 1.2, 0.
    loss = hinge.discriminator_loss(tf.constant([1.5, 0.5, -2.0]), tf.constant([0.2, -3.0]))
    np.testing.assert_allclose(loss, 3.5 / 3 + 0.6, rtol=1e-6)
    assert hinge.discriminator_loss(tf.constant([1], tf.bfloat16), [0.0]).dtype == tf.float32


def test_beyond_the_margin_nothing_is_learned():
    reals, fakes = tf.constant([1.5, 0.5]), tf.constant([-1.5, -0.5])
    with tf.GradientTape() as tape:
        tape.watch([reals, fakes])
        loss = hinge.discriminator_loss(reals, fakes)
    of_reals, of_fakes = tape.gradient(loss, [reals, fakes])
    np.testing.assert_array_equal(of_reals, [0, -0.5])
    np.testing.assert_array_equal(of_fakes, [0, 0.5])
