"""One synthesis layer: the order of its parts, and its noise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import synthesis_layer


@pytest.fixture(name="layer", params=[False, True], ids=["same", "up"])
def _layer(request):
    keras.utils.set_random_seed(3)
    layer = synthesis_layer.SynthesisLayer(5, request.param)
    layer.build((None, 4, 4, 3), (None, 6))
    layer.bias.assign([-1, -0.5, 0, 0.5, 1])
    return layer


def _inputs():
    x = tf.random.stateless_normal([2, 4, 4, 3], [0, 1])
    return x, tf.random.stateless_normal([2, 6], [0, 2])


def test_noise_then_bias_then_leaky_relu_times_sqrt_2(layer):
    layer.strength.assign(0.7)
    x, w = _inputs()
    convolved = layer.convolution(x, w)
    noise = tf.random.stateless_normal([2, *convolved.shape[1:3], 1], [0, 3])
    y = tf.nn.leaky_relu(convolved + 0.7 * noise + layer.bias.value, 0.2) * 2**0.5
    np.testing.assert_allclose(layer(x, w, noise=noise), y, rtol=1e-5, atol=1e-6)


def test_without_given_noise_its_own_fixed_map_is_added(layer):
    layer.strength.assign(0.7)
    x, w = _inputs()
    y = layer(x, w)
    np.testing.assert_array_equal(y, layer(x, w))
    np.testing.assert_array_equal(y, layer(x, w, noise=layer.noise.value))
    assert not np.allclose(y, layer(x, w, noise=tf.zeros_like(layer.noise.value)))
    assert np.std(layer.noise.numpy()) == pytest.approx(1, abs=0.4)
    assert [v.name for v in layer.non_trainable_variables] == ["noise"]


def test_at_first_the_noise_has_no_strength(layer):
    x, w = _inputs()
    assert float(layer.strength) == 0
    noise = tf.random.stateless_normal(layer.noise.shape, [0, 4])
    np.testing.assert_array_equal(layer(x, w, noise=noise), layer(x, w))


def test_the_strength_learns_although_it_is_zero(layer):
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(layer(*_inputs()) ** 2)
    assert abs(tape.gradient(y, layer.strength.value)) > 1e-3
