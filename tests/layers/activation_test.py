"""The leaky ReLU: values, derivatives of every order, and what its gradient keeps."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import activation

X = [-2.0, -0.5, 0.5, 3.0]
SLOPES = [0.2, 0.2, 1.0, 1.0]


def leaky_relu(x):
    return activation.Activation("leaky_relu")(x)


def test_the_slope_is_a_fifth_below_zero_and_one_above():
    np.testing.assert_allclose(leaky_relu(tf.constant(X)), np.multiply(X, SLOPES), rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_first_and_second_derivatives_pass_through_the_slopes(compiled):
    # y = slope x, so d(sum y^3)/dx = 3 slope^3 x^2, and half its square's gradient 18 slope^6 x^3.
    def penalty_gradient(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                cubes = tf.reduce_sum(leaky_relu(x) ** 3)
            first = inner.gradient(cubes, x)
            half = tf.reduce_sum(first**2) / 2
        return first, outer.gradient(half, x)

    run = tf.function(penalty_gradient, autograph=False) if compiled else penalty_gradient
    first, second = run(tf.constant(X, tf.float64))
    x, slope = np.array(X), np.array(SLOPES)
    np.testing.assert_allclose(first, 3 * slope**3 * x**2, rtol=1e-6)
    np.testing.assert_allclose(second, 18 * slope**6 * x**3, rtol=1e-6)


def test_the_second_derivative_sends_nothing_back_through_the_sign():
    x, dy = tf.constant(X), tf.ones([4])
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([x, dy])
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = leaky_relu(x)
        dx = inner.gradient(y, x, dy)
    assert outer.gradient(dx, x) is None
    np.testing.assert_allclose(outer.gradient(dx, dy), SLOPES, rtol=1e-6)


def test_the_type_stays_bfloat16():
    x = tf.constant(X, tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = leaky_relu(x)
    assert y.dtype == tape.gradient(y, x).dtype == tf.bfloat16


def test_a_slope_is_kept_behind_a_convolution_with_a_bias_and_a_sum():
    x = tf.random.stateless_normal([2, 8, 8, 16], [0, 0])
    kernel = tf.random.stateless_normal([3, 3, 16, 16], [1, 0])

    def block(x):
        y = tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), tf.ones([16])) + x
        return activation.leaky_relu(y, 0.1)

    traced = tf.function(block, autograph=False)(x)
    np.testing.assert_allclose(traced, block(x), atol=1e-3)
    assert tf.reduce_min(traced) < -0.5
