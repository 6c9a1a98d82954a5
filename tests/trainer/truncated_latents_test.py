"""The truncation of z: a seed's own latents, nearer to 0, as redrawing would distribute them."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from dualcontrast.trainer import layer_latents, seeds


@pytest.mark.parametrize("threshold", [0.04, 0.5, 1.0, 2.0])
def test_truncated_latents_are_distributed_as_if_drawn_again(threshold):
    z = tf.random.stateless_normal([20_000], [0, 1])
    found = seeds.truncated(z, threshold).numpy()
    assert np.abs(found).max() <= threshold
    expected = stats.truncnorm(-threshold, threshold)
    assert stats.kstest(found, expected.cdf).pvalue > 0.01
    # Order and sign are kept.
    assert (np.diff(found[np.argsort(z)]) >= 0).all()
    np.testing.assert_array_equal(np.sign(found), np.sign(z))


def test_far_thresholds_and_far_numbers_change_nothing_and_stay_finite():
    z = tf.constant([-9.0, -6.0, -1.0, 0.0, 1.0, 6.0, 9.0])
    np.testing.assert_allclose(seeds.truncated(z, 30.0), z, rtol=1e-4)
    np.testing.assert_allclose(seeds.truncated(z, 1.0)[-2:], [1, 1], atol=1e-5)
    assert seeds.truncated(z, None) is z


def test_what_enters_a_generator_without_a_mapping_is_truncated():
    class Made:
        mapping = None

    z = tf.constant([[2.0, -0.5]])
    np.testing.assert_array_equal(
        layer_latents.of(Made(), z, threshold=0.5), seeds.truncated(z, 0.5)
    )
