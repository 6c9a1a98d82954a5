"""The non-saturating loss against values derived by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.losses import non_saturating

REALS, FAKES = [0.0, 2.0], [0.0, -1.0, 1.0]


def _softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_the_discriminators_loss():
    reals, fakes = tf.constant(REALS), tf.constant(FAKES)
    with tf.GradientTape() as tape:
        tape.watch([reals, fakes])
        value = non_saturating.discriminator_loss(reals, fakes)
    # Reals: (ln 2 + sp(-2)) / 2. Fakes: (ln 2 + sp(-1) + sp(1)) / 3.
    expected = (math.log(2) + _softplus(-2)) / 2 + (math.log(2) + _softplus(-1) + _softplus(1)) / 3
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    of_reals, of_fakes = tape.gradient(value, [reals, fakes])
    np.testing.assert_allclose(of_reals, [-_sigmoid(-r) / 2 for r in REALS], rtol=1e-6)
    np.testing.assert_allclose(of_fakes, [_sigmoid(f) / 3 for f in FAKES], rtol=1e-6)


def test_the_generators_loss():
    fakes = tf.constant(FAKES)
    with tf.GradientTape() as tape:
        tape.watch(fakes)
        value = non_saturating.generator_loss(fakes)
    np.testing.assert_allclose(value, sum(_softplus(-f) for f in FAKES) / 3, rtol=1e-6)
    np.testing.assert_allclose(
        tape.gradient(value, fakes), [-_sigmoid(-f) / 3 for f in FAKES], rtol=1e-6
    )


def test_the_generator_learns_most_where_it_fails():
    hopeless = tf.constant([-1e4])
    with tf.GradientTape() as tape:
        tape.watch(hopeless)
        value = non_saturating.generator_loss(hopeless)
    assert float(value) == 1e4
    np.testing.assert_allclose(tape.gradient(value, hopeless), [-1])


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64])
def test_logits_of_any_type_are_computed_in_float32(dtype):
    reals, fakes = tf.constant(REALS, dtype), tf.constant(FAKES, dtype)
    for value, exact in (
        (
            non_saturating.discriminator_loss(reals, fakes),
            non_saturating.discriminator_loss(tf.constant(REALS), tf.constant(FAKES)),
        ),
        (non_saturating.generator_loss(fakes), non_saturating.generator_loss(tf.constant(FAKES))),
    ):
        assert value.dtype == tf.float32
        np.testing.assert_allclose(value, exact, rtol=1e-6)


def test_far_out_logits_stay_finite():
    far = tf.constant([1e4, -1e4])
    assert float(non_saturating.discriminator_loss(far, far)) == pytest.approx(1e4)
