"""The gradient penalty of discriminators whose slope is known."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.losses import gradient_penalty

REALS, FAKES = (tf.random.stateless_normal([2, 4, 4, 1], [0, seed]) for seed in range(2))


@pytest.mark.parametrize("slope", [0.0, 0.25, 2.0])
def test_a_linear_discriminator_pays_for_its_distance_from_slope_1(slope):
    # 16 pixels of weight `slope` make the length 4 * slope.
    found = gradient_penalty.gradient_penalty(
        lambda x: tf.reduce_sum(slope * x, [1, 2, 3]), REALS, FAKES, tf.constant([0.2, 0.9])
    )
    np.testing.assert_allclose(found, [(4 * slope - 1) ** 2] * 2, atol=1e-5)


def test_the_slope_is_taken_between_real_and_fake():
    # D(x) = |x|^2 / 2 has the gradient x.
    mixture = np.array([0.25, 1.0], np.float32)
    found = gradient_penalty.gradient_penalty(
        lambda x: tf.reduce_sum(x**2, [1, 2, 3]) / 2, REALS, FAKES, tf.constant(mixture)
    )
    share = mixture[:, None, None, None]
    length = np.sqrt(np.sum(((1 - share) * REALS + share * FAKES) ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(found, (length - 1) ** 2, rtol=1e-5)


def test_a_flat_discriminator_has_a_finite_derivative():
    scale = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = gradient_penalty.gradient_penalty(
            lambda x: scale * tf.reduce_sum(x, [1, 2, 3]), REALS, FAKES, tf.constant([0.5, 0.5])
        )
    assert np.isfinite(tape.gradient(penalty, scale))
