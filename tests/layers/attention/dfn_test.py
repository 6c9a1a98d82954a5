"""Dynamic local filters: their limits, their size, their scale at the start."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import dfn

X = tf.random.stateless_normal([2, 6, 6, 8], [0, 1], dtype=tf.float64)


def _layer(**arguments):
    keras.utils.set_random_seed(5)
    layer = dfn.DFN(**{"hidden": 5, "dtype": "float64"} | arguments)
    layer.build(X.shape)
    return layer


def test_filters_of_their_bias_alone_are_a_depthwise_convolution():
    layer = _layer(border="zero")
    layer.to_filters.kernel.assign(tf.zeros_like(layer.to_filters.kernel))
    bias = np.random.default_rng(0).standard_normal(9 * 8)
    layer.to_filters.bias.assign(bias * 3)
    kernel = bias.reshape(3, 3, 8, 1)
    expected = tf.nn.depthwise_conv2d(X, kernel, [1, 1, 1, 1], "SAME")
    np.testing.assert_allclose(layer(X), expected, atol=1e-12)


def test_channels_that_share_a_filter_are_filtered_alike():
    layer = _layer(sharing=2)
    out, filters = layer(tf.concat([X[..., :4], X[..., :4]], -1), return_weights=True)
    assert filters.shape == (2, 6, 6, 9, 4)
    np.testing.assert_allclose(out[..., :4], out[..., 4:], atol=1e-13)


@pytest.mark.parametrize("sharing", [1, 4])
def test_it_has_the_parameters_of_its_formula(sharing):
    assert _layer(sharing=sharing).count_params() == 9 * 5 + 6 * 9 * 8 // sharing


def test_at_the_start_the_output_is_as_large_as_the_input():
    x = tf.random.stateless_normal([2, 16, 16, 64], [0, 2])
    keras.utils.set_random_seed(1)
    ratio = np.sqrt(np.mean(dfn.DFN(hidden=64)(x) ** 2) / np.mean(x**2))
    assert 0.7 < ratio < 1.4


def test_sharing_must_divide_the_channels():
    with pytest.raises(ValueError, match="sharing must divide the 8 channels, got 3"):
        _layer(sharing=3)
