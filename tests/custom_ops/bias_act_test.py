"""Bias, noise and activation: values, derivatives, what is kept, what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import bias_act

X = np.array([[-2.0, -0.5, 0.5], [3.0, -1.0, 0.25]])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


VALUES = {
    "linear": lambda x: x,
    "lrelu": lambda x: np.where(x > 0, x, 0.2 * x),
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "swish": lambda x: x * sigmoid(x),
}


@pytest.mark.parametrize("activation", bias_act.ACTIVATIONS)
def test_it_is_the_activation_of_the_sum_times_the_gain_then_clipped(activation, impl):
    bias, noise = np.array([0.5, -1.0, 2.0]), np.array([[0.25], [-0.75]])
    y = bias_act.bias_act(
        tf.constant(X), bias, noise, activation=activation, gain=1.5, clamp=1.25, impl=impl
    )
    expected = np.clip(1.5 * VALUES[activation](X + bias + noise), -1.25, 1.25)
    np.testing.assert_allclose(y, expected, atol=1e-12)


def test_the_same_noise_serves_every_sample(impl):
    x = tf.zeros([3, 2, 2, 5])
    noise = tf.reshape(tf.range(4.0), [1, 2, 2, 1])
    y = bias_act.bias_act(x, None, noise, impl=impl)
    np.testing.assert_array_equal(y, tf.broadcast_to(noise, x.shape))


def test_the_gradients_of_bias_and_noise_are_the_sums_over_what_shares_them(impl):
    x = tf.random.stateless_normal([3, 2, 4, 5], [0, 0], dtype=tf.float64)
    bias, noise = tf.zeros([5], tf.float64), tf.zeros([1, 2, 4, 1], tf.float64)
    upstream = tf.random.stateless_normal(x.shape, [0, 1], dtype=tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([x, bias, noise])
        y = bias_act.bias_act(x, bias, noise, activation="lrelu", impl=impl)
    dx, dbias, dnoise = tape.gradient(y, [x, bias, noise], upstream)
    slopes = np.where(x > 0, 1, np.float32(0.2))
    np.testing.assert_allclose(dx, upstream * slopes, rtol=1e-7)
    np.testing.assert_allclose(dbias, tf.reduce_sum(dx, [0, 1, 2]), rtol=1e-9)
    np.testing.assert_allclose(dnoise, tf.reduce_sum(dx, [0, 3], keepdims=True), rtol=1e-9)


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 1024, 1025, 70_000])
def test_a_bias_gradient_over_many_rows_loses_none(rows, compiled):
    # 16 rows a tile and 64 tiles a level of the sum: 70,000 rows take three levels.
    x = tf.zeros([rows, 3], tf.float64)
    bias = tf.zeros([3], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        y = bias_act.bias_act(x, bias, impl="cpu")
    upstream = tf.cast(tf.reshape(tf.range(rows * 3), [rows, 3]), tf.float64)
    np.testing.assert_array_equal(tape.gradient(y, bias, upstream), tf.reduce_sum(upstream, axis=0))


@pytest.mark.parametrize("activation", ["linear", "lrelu", "relu"])
def test_the_second_derivative_sends_nothing_back_through_the_sign(activation, impl):
    x, dy = tf.constant(X), tf.ones(X.shape, tf.float64)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([x, dy])
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = bias_act.bias_act(x, activation=activation, impl=impl)
        dx = inner.gradient(y, x, dy)
    assert outer.gradient(dx, x) is None
    np.testing.assert_array_equal(outer.gradient(dx, dy), dx)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "swish"])
def test_the_derivatives_of_a_smooth_activation_agree_up_to_the_eighth(activation, compiled):
    x = tf.constant([-3.0, -1.2, 0.0, 0.7, 2.5], tf.float64)

    def derivative(impl, order):
        def value(x):
            return bias_act.bias_act(x, activation=activation, impl=impl)

        for _ in range(order):

            def value(x, inner=value):
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    y = inner(x)
                return tape.gradient(y, x)

        return value(x)

    for order in range(1, 9):
        np.testing.assert_allclose(
            derivative("cpu", order), derivative("ref", order), rtol=1e-8, atol=1e-9
        )
    with pytest.raises(tf.errors.InvalidArgumentError, match="order must be 0 to 8, got 9"):
        derivative("cpu", 9)


def test_clipped_values_have_no_gradient(impl):
    x = tf.constant([-9.0, -0.5, 0.5, 9.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = bias_act.bias_act(x, activation="lrelu", clamp=1.0, impl=impl)
    np.testing.assert_allclose(tape.gradient(y, x), [0, 0.2, 1, 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
def test_half_precision_is_rounded_once(dtype, compiled):
    x = tf.cast(tf.random.stateless_normal([64, 40], [0, 0]), dtype)
    bias = tf.random.stateless_normal([40], [0, 1])
    y = bias_act.bias_act(x, bias, activation="lrelu", gain=1.5, impl="cpu")
    exact = bias_act.bias_act(
        tf.cast(x, tf.float32), bias, activation="lrelu", gain=1.5, impl="ref"
    )
    assert y.dtype == dtype
    np.testing.assert_array_equal(
        tf.cast(y, tf.float32), tf.cast(tf.cast(exact, dtype), tf.float32)
    )


def test_what_is_not_a_number_stays_so(impl):
    y = bias_act.bias_act(tf.constant([np.nan, 1.0]), activation="lrelu", clamp=0.5, impl=impl)
    assert np.isnan(y[0]) and y[1] == 0.5


@pytest.mark.parametrize("shape", [[0, 5], [4, 0], [0, 3, 3, 2]])
def test_an_empty_tensor_has_gradients_of_zero(shape, impl):
    x, bias = tf.zeros(shape), tf.zeros(shape[-1:])
    with tf.GradientTape() as tape:
        tape.watch([x, bias])
        y = bias_act.bias_act(x, bias, activation="lrelu", impl=impl)
    dx, dbias = tape.gradient(y, [x, bias])
    assert y.shape == dx.shape == shape
    np.testing.assert_array_equal(dbias, np.zeros(shape[-1:]))


@pytest.mark.parametrize(
    "bad, named",
    [
        ({"activation": "gelu"}, "activation must be one of linear, .*, got 'gelu'"),
        ({"slope": -0.1}, "slope must be 0 to 1, got -0.1"),
        ({"gain": 0.0}, "gain must be above 0 and finite, got 0.0"),
        ({"clamp": 0.0}, "clamp must be above 0 and finite, or None, got 0"),
        ({"clamp": -1.0}, "clamp must be above 0 and finite, or None, got -1.0"),
        ({"bias": np.zeros(3)}, r"bias must be \[channels\] for x \(2, 4, 4, 5\), got \(3,\)"),
        ({"noise": np.zeros((2, 4, 4, 5))}, r"noise must be \(2, 4, 4, 1\) or \(1, 4, 4, 1\)"),
        ({"x": np.float32(1)}, r"x must be \[..., channels\], got \[\]"),
    ],
)
def test_a_bad_argument_is_named(bad, named):
    with pytest.raises(tf.errors.InvalidArgumentError, match=named):
        bias_act.bias_act(**{"x": tf.zeros([2, 4, 4, 5]), **bad})
