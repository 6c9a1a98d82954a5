"""The original minimax game."""

import numpy as np
import tensorflow as tf

from dualcontrast.losses import non_saturating, saturating


def test_the_value_is_worked_out_by_hand():
    # softplus(0) = 0.693147, softplus(2) = 2.126928: their mean, negated.
    loss = saturating.generator_loss(tf.constant([0.0, 2.0]))
    np.testing.assert_allclose(loss, -1.4100376, rtol=1e-6)


def test_it_is_the_discriminators_loss_of_fakes_negated():
    fakes = tf.constant([-3.0, 0.5, 4.0])
    of_fakes = non_saturating.discriminator_loss(tf.fill([3], 100.0), fakes)
    np.testing.assert_allclose(saturating.generator_loss(fakes), -of_fakes, rtol=1e-6)


def test_it_saturates_where_fakes_are_found_out():
    fakes = tf.constant([-9.0, 9.0])
    with tf.GradientTape() as tape:
        tape.watch(fakes)
        loss = saturating.generator_loss(fakes)
    found_out, believed = tape.gradient(loss, fakes)
    assert -1e-3 < found_out < 0 and believed < -0.49
