"""SAN: the patches' dense layer, its limits, its size and its scale at the start."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import san

X = tf.random.stateless_normal([2, 6, 6, 8], [0, 1], dtype=tf.float64)


def _layer(**arguments):
    keras.utils.set_random_seed(5)
    layer = san.SAN(**{"patch_size": 3, "sharing": 2, "dtype": "float64"} | arguments)
    layer.build(X.shape)
    return layer


@pytest.mark.parametrize("border", ["reflect", "zero"])
def test_the_hidden_layer_is_a_dense_layer_of_the_patch_of_keys_and_the_query(border):
    layer = _layer(border=border)
    keys, queries = layer.to_keys(X), layer.to_queries(X)
    mode = {"reflect": "reflect", "zero": "constant"}[border]
    padded = np.pad(keys, [(0, 0), (1, 1), (1, 1), (0, 0)], mode)
    taps = [padded[:, i : i + 6, j : j + 6] for i in range(3) for j in range(3)]
    together = np.concatenate([*taps, queries], axis=-1)
    scale = 2**0.5 / together.shape[-1] ** 0.5
    expected = together @ (layer.hidden_kernel.numpy() * scale)
    found = layer.hidden_of_keys(X) + layer.hidden_of_queries(X)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_without_weights_it_is_the_identity():
    layer = _layer()
    layer.to_weights.kernel.assign(tf.zeros_like(layer.to_weights.kernel))
    np.testing.assert_array_equal(layer(X), X)


def test_with_weights_of_their_bias_alone_it_is_a_depthwise_convolution_of_the_values():
    layer = _layer(border="zero")
    layer.to_weights.kernel.assign(tf.zeros_like(layer.to_weights.kernel))
    bias = np.random.default_rng(0).standard_normal(9 * 4)
    layer.to_weights.bias.assign(bias * 3)
    # Channel c uses map c modulo 4.
    kernel = np.tile(bias.reshape(3, 3, 4), (1, 1, 2))[..., None]
    values = layer.to_values(X)
    filtered = tf.nn.depthwise_conv2d(values, kernel, [1, 1, 1, 1], "SAME")
    np.testing.assert_allclose(layer(X) - X, filtered, atol=1e-12)


def test_far_from_the_border_it_follows_its_input():
    layer = _layer()
    moved = tf.roll(X, [1, 1], [1, 2])
    expected, found = layer(X)[:, 1:4, 1:4], layer(moved)[:, 2:5, 2:5]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert not np.allclose(layer(moved), tf.roll(layer(X), [1, 1], [1, 2]))


def test_a_mirrored_input_is_another_input():
    layer = _layer()
    assert not np.allclose(layer(X[:, :, ::-1]), layer(X)[:, :, ::-1])


@pytest.mark.parametrize("form, hidden", [("shared", 4), ("literal", 36)])
def test_it_has_the_parameters_of_its_formula(form, hidden):
    layer = _layer(form=form, reduction=2)
    c, keys, maps, taps = 8, 4, 4, 9
    wanted = 2 * keys * (c + 1) + c * (c + 1) + ((taps + 1) * keys + 1) * hidden
    assert layer.count_params() == wanted + (hidden + 1) * taps * maps


def test_it_returns_its_weights():
    layer = _layer()
    out, weights = layer(X, return_weights=True)
    np.testing.assert_array_equal(out, layer(X))
    assert weights.shape == (2, 6, 6, 9, 4)
    np.testing.assert_allclose(layer.aggregate(weights, layer.padded_values(X)) + X, out)


def test_leaky_weights_are_another_layer():
    linear, leaky = _layer(), _layer(weight_activation="leaky_relu")
    _, of_linear = linear(X, return_weights=True)
    _, of_leaky = leaky(X, return_weights=True)
    expected = tf.nn.leaky_relu(of_linear, 0.2) * 2**0.5
    np.testing.assert_allclose(of_leaky, expected, rtol=1e-6)


@pytest.mark.parametrize("patch_size, reduction", [(7, 4), (15, 8)])
def test_at_the_start_the_attention_is_as_large_as_its_input(patch_size, reduction):
    keras.utils.set_random_seed(1)
    x = tf.random.stateless_normal([2, 16, 16, 64], [0, 2])
    layer = san.SAN(patch_size, reduction, reduction)
    ratio = np.sqrt(np.mean((layer(x) - x) ** 2) / np.mean(x**2))
    assert 0.5 < ratio < 1.5


def test_two_runs_give_the_same_bits():
    layer = _layer(dtype="float32")
    x = tf.cast(X, tf.float32)
    np.testing.assert_array_equal(layer(x), layer(x))


@pytest.mark.parametrize(
    "arguments, named",
    [
        ({"sharing": 3}, "sharing must divide the 8 channels, got 3"),
        ({"patch_size": 13}, "patch_size of 13 reflects at most 5 pixels of maps of 6x6"),
    ],
)
def test_a_map_that_it_does_not_fit_is_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        _layer(**arguments)


def test_zeros_beyond_the_border_suit_a_patch_of_any_size():
    assert _layer(patch_size=13, border="zero")(X).shape == X.shape
