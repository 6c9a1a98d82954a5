"""The relativistic pairing loss."""

import numpy as np
import tensorflow as tf

from dualcontrast.losses import dual_contrastive, relativistic

REALS, FAKES = tf.constant([1.0, -0.5, 2.0]), tf.constant([0.0, 0.5, 0.0])


def test_the_values_are_worked_out_by_hand():
    # Gaps real - fake: 1, -1, 2. softplus(-1) = 0.3132617, softplus(1) = 1.3132617,
    # softplus(-2) = 0.1269280, softplus(2) = 2.1269280.
    of_discriminator = relativistic.discriminator_loss(REALS, FAKES)
    np.testing.assert_allclose(of_discriminator, (0.3132617 + 1.3132617 + 0.1269280) / 3, rtol=1e-6)
    of_generator = relativistic.generator_loss(REALS, FAKES)
    np.testing.assert_allclose(of_generator, (1.3132617 + 0.3132617 + 2.1269280) / 3, rtol=1e-6)
    assert relativistic.discriminator_loss(tf.constant([1], tf.bfloat16), [0.0]).dtype == tf.float32


def test_who_is_paired_with_whom_matters():
    swapped = relativistic.discriminator_loss(REALS, tf.reverse(FAKES, [0]))
    np.testing.assert_array_equal(swapped, relativistic.discriminator_loss(REALS, FAKES))
    moved = relativistic.discriminator_loss(REALS, tf.roll(FAKES, 1, axis=0))
    # Gaps 1, -0.5, 1.5: softplus of their opposites 0.3132617, 0.9740770, 0.2014133.
    np.testing.assert_allclose(moved, (0.3132617 + 0.9740770 + 0.2014133) / 3, rtol=1e-6)


def test_each_pair_has_the_slope_of_its_own_gap():
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([REALS, FAKES])
        of_discriminator = relativistic.discriminator_loss(REALS, FAKES)
        of_generator = relativistic.generator_loss(REALS, FAKES)
    # -sigmoid(-gap) / 3 by a real, the opposite by its fake; nothing of G flows into reals.
    slope = np.array([0.2689414, 0.7310586, 0.1192029]) / 3
    of_reals, of_fakes = tape.gradient(of_discriminator, [REALS, FAKES])
    np.testing.assert_allclose(of_reals, -slope, rtol=1e-5)
    np.testing.assert_allclose(of_fakes, slope, rtol=1e-5)
    of_reals, of_fakes = tape.gradient(of_generator, [REALS, FAKES])
    assert of_reals is None
    np.testing.assert_allclose(of_fakes, slope - 1 / 3, rtol=1e-5)


def test_a_constant_changes_nothing_and_large_gaps_overflow_nothing():
    moved = relativistic.discriminator_loss(REALS + 64, FAKES + 64)
    np.testing.assert_allclose(moved, relativistic.discriminator_loss(REALS, FAKES), rtol=1e-5)
    assert float(relativistic.discriminator_loss([-1e4], [1e4])) == 2e4
    assert float(relativistic.discriminator_loss([1e4], [-1e4])) == 0


def test_the_dual_contrastive_loss_of_pairs_is_twice_it():
    found = dual_contrastive.pair_loss(REALS, FAKES)
    np.testing.assert_allclose(found, 2 * relativistic.discriminator_loss(REALS, FAKES), rtol=1e-6)
