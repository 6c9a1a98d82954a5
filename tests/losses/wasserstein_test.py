"""The Wasserstein loss and its drift term."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.losses import wasserstein

REALS, FAKES = tf.constant([1.0, 3.0]), tf.constant([0.5, -1.0, -4.0])


@pytest.mark.parametrize("drift, expected", [(0.0, -3.5), (0.001, -3.495), (0.1, -3.0)])
def test_the_value_is_worked_out_by_hand(drift, expected):
    # Means 2 and -1.5; the mean square of the reals is 5.
    found = wasserstein.discriminator_loss(REALS, FAKES, drift)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_drift_of_progressive_gans_is_the_default():
    np.testing.assert_allclose(wasserstein.discriminator_loss(REALS, FAKES), -3.495, rtol=1e-6)


def test_the_generator_raises_the_mean_of_fakes():
    np.testing.assert_allclose(wasserstein.generator_loss(FAKES), 1.5, rtol=1e-6)


def test_logits_of_half_precision_are_computed_in_float32():
    half = tf.cast(REALS, tf.bfloat16), tf.cast(FAKES, tf.bfloat16)
    assert wasserstein.discriminator_loss(*half).dtype == tf.float32
    assert wasserstein.generator_loss(half[1]).dtype == tf.float32
