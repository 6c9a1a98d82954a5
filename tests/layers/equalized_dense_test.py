"""The activations' gains and the dense layer's equalised learning rate."""

import math

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from dualcontrast.layers import activation, equalized_dense


def _layer(kernel, bias, **arguments):
    kernel = np.asarray(kernel, np.float32)
    layer = equalized_dense.EqualizedDense(kernel.shape[1], **arguments)
    layer.build((None, kernel.shape[0]))
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)
    return layer


def test_the_leaky_relu_and_its_gain_keep_the_second_moment_of_a_gaussian():
    # (1 + 0.2^2) / 2 * 2 = 1.04, and sqrt(2) * (1 - 0.2) / sqrt(2 pi) = 0.8 / sqrt(pi).
    leaky = activation.Activation("leaky_relu")
    quantiles = scipy.stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    y = leaky(tf.constant(quantiles)) * leaky.gain
    assert np.mean(y**2) == pytest.approx(1.04, abs=2e-4)
    assert np.mean(y) == pytest.approx(0.8 / math.sqrt(math.pi), abs=2e-4)
    assert np.mean(y) == pytest.approx(0.45135, abs=2e-4)


def test_the_linear_activation_changes_nothing():
    linear = activation.Activation("linear")
    np.testing.assert_array_equal(linear(tf.constant([-2.0, 3.0])) * linear.gain, [-2, 3])


def test_the_output_is_the_one_derived_by_hand():
    # Weights are scaled by 0.5 / sqrt(4) = 1/4, the bias by 0.5:
    # (1 * 4 + 2 * 8 + 3 * 0 + 4 * -4) / 4 + 0.5 * 6 = 4, (4 * -20) / 4 + 0.5 * 2 = -19.
    kernel = [[4, 0], [8, 0], [0, 0], [-4, -20]]
    x = tf.constant([[1.0, 2, 3, 4]])
    linear = _layer(kernel, [6, 2], learning_rate_multiplier=0.5)
    np.testing.assert_allclose(linear(x), [[4, -19]], rtol=1e-6)
    leaky = _layer(kernel, [6, 2], learning_rate_multiplier=0.5, activation="leaky_relu")
    np.testing.assert_allclose(leaky(x), [[4 * 2**0.5, -19 * 0.2 * 2**0.5]], rtol=1e-6)


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_variables_start_at_a_spread_that_the_multiplier_undoes(multiplier):
    keras.utils.set_random_seed(0)
    layer = equalized_dense.EqualizedDense(256, multiplier)
    y = layer(tf.random.stateless_normal([512, 256], [0, 1]))
    assert np.std(layer.kernel.numpy()) * multiplier == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(layer.bias, np.zeros(256))
    assert np.var(y) == pytest.approx(1, abs=0.02)


def test_the_multiplier_shrinks_what_a_step_of_the_optimizer_does():
    # Adam's first step moves every stored number by the learning rate, whatever the gradient.
    moved = {}
    for multiplier in (1.0, 0.01):
        layer = _layer(np.zeros([4, 1]), [0], learning_rate_multiplier=multiplier)
        optimizer = keras.optimizers.Adam(0.1, beta_1=0.0, beta_2=0.99, epsilon=1e-8)
        x = tf.ones([1, 4])
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(x))
        gradients = tape.gradient(y, layer.trainable_variables)
        optimizer.apply(gradients, layer.trainable_variables)
        moved[multiplier] = float(layer(x)[0, 0])
    # 4 weights * 0.1 / sqrt(4) + 0.1 of the bias.
    assert moved[1.0] == pytest.approx(-0.3, rel=1e-4)
    assert moved[0.01] == pytest.approx(-0.003, rel=1e-4)
