"""Keras's convolution, computed by the project's operation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation
from dualcontrast.layers import convolution


@pytest.fixture(params=[1, 3], ids=["1x1", "3x3"])
def pair(request):
    """The layer and Keras's, with the same weights."""
    ours = convolution.Conv2D(24, request.param)
    theirs = keras.layers.Conv2D(24, request.param, padding="same")
    for layer in (ours, theirs):
        layer.build((None, None, None, 20))
    ours.bias.assign(np.linspace(-1, 1, 24))
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def _images():
    return tf.random.stateless_normal([2, 16, 12, 20], [0, 1])


def _penalty(layer):
    """The layer's output, and the gradient of a gradient penalty by its kernel."""
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(x := _images())
            y = layer(x)
            total = tf.reduce_sum(y**3)
        penalty = tf.reduce_sum(inner.gradient(total, x) ** 2)
    return y, tape.gradient(penalty, layer.kernel.value)


@pytest.mark.parametrize("impl", ["ref", "cpu"])
def test_it_is_keras_s_layer_in_value_and_in_derivatives_of_second_order(pair, impl):
    with implementation.using(impl):
        y, slope = _penalty(pair[0])
    expected_y, expected_slope = _penalty(pair[1])
    np.testing.assert_allclose(y, expected_y, atol=2e-5)
    scale = np.abs(expected_slope).max()
    np.testing.assert_allclose(slope / scale, expected_slope / scale, atol=2e-5)


def test_the_project_s_operation_computes_it(pair):
    def operations(layer):
        with implementation.using("cpu"):
            graph = tf.function(layer).get_concrete_function(_images()).graph
        return {operation.type for operation in graph.get_operations()}

    found, expected = operations(pair[0]), operations(pair[1])
    assert "DualContrastConv2D" in found and "Conv2D" not in found
    assert "Conv2D" in expected


def test_its_weights_have_the_names_of_keras_s(pair):
    names = [[weight.name for weight in layer.weights] for layer in pair]
    assert names[0] == names[1] == ["kernel", "bias"]
