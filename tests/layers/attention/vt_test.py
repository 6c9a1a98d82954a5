"""The visual transformer's layer: tokens, permutations, size."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import vt

X = tf.random.stateless_normal([2, 4, 6, 8], [0, 1], dtype=tf.float64)
every_tokenizer = pytest.mark.parametrize("tokenizer", ["filter", "recurrent"])


def _layer(tokenizer, **arguments):
    keras.utils.set_random_seed(5)
    layer = vt.VT(3, 6, tokenizer, **{"dtype": "float64"} | arguments)
    layer.build(X.shape)
    return layer


@every_tokenizer
def test_every_token_is_a_mean_of_the_pixels(tokenizer):
    out, weights = _layer(tokenizer)(X, return_weights=True)
    assert out.shape == X.shape and weights.shape == (2, 24, 3)
    np.testing.assert_allclose(tf.reduce_sum(weights, 1), np.ones([2, 3]), rtol=1e-12)


@every_tokenizer
def test_without_values_for_the_pixels_it_is_the_identity(tokenizer):
    layer = _layer(tokenizer)
    layer.pixel_value.assign(tf.zeros_like(layer.pixel_value))
    np.testing.assert_array_equal(layer(X), X)


@every_tokenizer
def test_the_place_of_a_pixel_means_nothing(tokenizer):
    layer, order = _layer(tokenizer), np.random.default_rng(0).permutation(24)
    shuffled = tf.reshape(tf.gather(tf.reshape(X, [2, 24, 8]), order, axis=1), X.shape)
    expected = tf.gather(tf.reshape(layer(X), [2, 24, 8]), order, axis=1)
    np.testing.assert_allclose(tf.reshape(layer(shuffled), [2, 24, 8]), expected, atol=1e-12)


def test_filters_made_from_tokens_depend_on_the_image():
    # A trained filter weighs equal pixels of two images alike but for the normalisation.
    two = tf.concat([X[:1], tf.concat([X[:1, :2], X[1:, 2:]], 1)], 0)

    def ratios(tokenizer):
        _, weights = _layer(tokenizer)(two, return_weights=True)
        return weights[:, 0] / weights[:, 1]

    trained, made = ratios("filter"), ratios("recurrent")
    np.testing.assert_allclose(trained[0], trained[1], rtol=1e-12)
    assert not np.allclose(made[0], made[1], rtol=1e-6)


@pytest.mark.parametrize("tokenizer, more", [("filter", 0), ("recurrent", 2 * 8 * 6)])
def test_it_has_the_parameters_of_its_formula(tokenizer, more):
    c, size, tokens = 8, 6, 3
    wanted = c * tokens + c * size + 4 * size * size + c * c + 2 * c * size
    assert _layer(tokenizer).count_params() == wanted + more


def test_at_the_start_it_does_not_drown_its_input():
    x = tf.random.stateless_normal([2, 8, 8, 64], [0, 2])
    keras.utils.set_random_seed(1)
    assert np.mean((vt.VT()(x) - x) ** 2) < np.mean(x**2)
