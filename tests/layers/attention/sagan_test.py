"""SAGAN: identity at the start, rows of sum 1, permutations, size."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import sagan

X = tf.random.stateless_normal([2, 4, 6, 16], [0, 1], dtype=tf.float64)


def _layer(gamma=0.5, **arguments):
    keras.utils.set_random_seed(5)
    layer = sagan.SAGAN(**arguments, dtype="float64")
    layer.build(X.shape)
    layer.gamma.assign(gamma)
    return layer


def test_at_the_start_it_is_the_identity_and_only_gamma_learns():
    layer = _layer(gamma=0.0)
    with tf.GradientTape() as tape:
        out = layer(X)
        loss = tf.reduce_sum(out**2)
    np.testing.assert_array_equal(out, X)
    for variable, gradient in zip(
        layer.trainable_variables, tape.gradient(loss, layer.trainable_variables)
    ):
        assert np.any(gradient) == (variable.name == "gamma")


@pytest.mark.parametrize("pool, attended", [(True, 6), (False, 24)])
def test_every_pixel_divides_its_attention(pool, attended):
    out, weights = _layer(pool=pool)(X, return_weights=True)
    assert out.shape == X.shape and weights.shape == (2, 24, attended)
    np.testing.assert_allclose(tf.reduce_sum(weights, -1), np.ones([2, 24]), rtol=1e-12)


def test_without_pooling_the_place_of_a_pixel_means_nothing():
    layer, order = _layer(pool=False), np.random.default_rng(0).permutation(24)
    shuffled = tf.reshape(tf.gather(tf.reshape(X, [2, 24, 16]), order, axis=1), X.shape)
    expected = tf.gather(tf.reshape(layer(X), [2, 24, 16]), order, axis=1)
    np.testing.assert_allclose(tf.reshape(layer(shuffled), [2, 24, 16]), expected, atol=1e-12)


def test_with_pooling_only_the_place_of_a_cell_means_nothing():
    layer = _layer()
    cells = tf.roll(X, 2, axis=1)
    np.testing.assert_allclose(layer(cells), tf.roll(layer(X), 2, axis=1), atol=1e-12)
    pixels = tf.roll(X, 1, axis=1)
    assert not np.allclose(layer(pixels), tf.roll(layer(X), 1, axis=1))


def test_pooling_takes_the_largest_of_each_cell():
    layer = _layer()
    pooled = layer._pooled(tf.reshape(X, [2, 24, 16]), X.shape)
    expected = tf.nn.max_pool2d(X, 2, 2, "VALID")
    np.testing.assert_array_equal(pooled, tf.reshape(expected, [2, 6, 16]))


@pytest.mark.parametrize(
    "arguments, of_squared_width", [({}, 1.25), ({"pool": False, "value_reduction": 8}, 0.5)]
)
def test_it_has_the_parameters_of_the_code_and_of_the_paper(arguments, of_squared_width):
    assert _layer(**arguments).count_params() == of_squared_width * 16**2 + 1


def test_maps_of_odd_sides_cannot_be_pooled():
    with pytest.raises(ValueError, match="must have even sides, got 5x4"):
        sagan.SAGAN()(tf.zeros([1, 5, 4, 8]))
