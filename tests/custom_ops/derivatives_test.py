"""First and second derivatives of every operation and option, by finite differences in float64."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import bias_act, local_aggregation, upfirdn2d

DRAW = np.random.default_rng(0)
TAPS4, DENSE = upfirdn2d.lowpass(), DRAW.integers(-8, 9, (3, 2)) / 8


def normal(*shape):
    return tf.constant(DRAW.standard_normal(shape))


def resampling(kernel, **keywords):
    return lambda impl, x: upfirdn2d.upfirdn2d(x, kernel, impl=impl, **keywords)


def activation(name, **keywords):
    return lambda impl, *x: bias_act.bias_act(*x, activation=name, impl=impl, **keywords)


IMAGES = [normal(2, 4, 5, 3)]
BIASED = [*IMAGES, normal(3), normal(1, 4, 5, 1)]
CASES = {
    "up": (resampling(TAPS4, up=2, padding=(2, 1), gain=4.0), IMAGES),
    "down": (resampling(TAPS4, down=2, padding=(1, 1)), IMAGES),
    "blur": (resampling(TAPS4, padding=(2, 1)), IMAGES),
    "unequal axes": (
        resampling((TAPS4, np.ones(3)), up=(1, 3), down=(2, 1), padding=((2, 1), (-1, 2))),
        IMAGES,
    ),
    "dense, flipped": (resampling(DENSE, up=2, down=3, padding=(1, 2), flip=True), IMAGES),
    **{name: (activation(name, gain=1.5), BIASED) for name in bias_act.ACTIVATIONS},
    **{f"{name}, clipped": (activation(name, clamp=0.7), BIASED) for name in bias_act.ACTIVATIONS},
    "no bias": (lambda impl, x: bias_act.bias_act(x, activation="tanh", impl=impl), IMAGES),
    "window 1": (
        lambda impl, *x: local_aggregation.local_aggregation(*x, impl=impl),
        [normal(2, 3, 4, 1, 2), normal(2, 3, 4, 6)],
    ),
    "window 3": (
        lambda impl, *x: local_aggregation.local_aggregation(*x, impl=impl),
        [normal(2, 3, 2, 9, 2), normal(2, 5, 4, 4)],
    ),
}


def curved(y):
    """A scalar whose derivatives by y are different everywhere, of every order."""
    places = tf.cast(tf.reshape(tf.range(tf.size(y)), tf.shape(y)), y.dtype)
    return tf.reduce_sum(tf.sin(y + places) * tf.exp(0.1 * y))


def gradients(run, operands):
    with tf.GradientTape() as tape:
        tape.watch(operands)
        value = curved(run(*operands))
    return value, tape.gradient(value, operands, unconnected_gradients="zero")


def along(run, operands, directions):
    """The derivative of `run`, a scalar of the operands, along the directions."""
    with tf.GradientTape() as tape:
        tape.watch(operands)
        value = run(*operands)
    slopes = tape.gradient(value, operands, unconnected_gradients="zero")
    return sum(tf.reduce_sum(s * d) for s, d in zip(slopes, directions))


def differences(run, operands, directions, step=1e-5):
    ahead = run(*[o + step * d for o, d in zip(operands, directions)])
    behind = run(*[o - step * d for o, d in zip(operands, directions)])
    return (ahead - behind) / (2 * step)


@pytest.mark.parametrize("case", CASES)
def test_first_and_second_derivatives_match_finite_differences(case, impl):
    operation, operands = CASES[case]
    draw = np.random.default_rng(1)
    directions = [tf.constant(draw.standard_normal(operand.shape)) for operand in operands]
    weights = [tf.constant(draw.standard_normal(operand.shape)) for operand in operands]

    def value(*operands):
        return curved(operation(impl, *operands))

    def slope(*operands):
        found = gradients(lambda *x: operation(impl, *x), list(operands))[1]
        return tf.add_n([tf.reduce_sum(g * w + g**2) for g, w in zip(found, weights)])

    first = along(value, operands, directions)
    second = along(slope, operands, directions)
    np.testing.assert_allclose(first, differences(value, operands, directions), rtol=1e-6)
    np.testing.assert_allclose(second, differences(slope, operands, directions), rtol=1e-5)
    assert abs(first) > 1e-3 and abs(second) > 1e-3


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16, tf.float16])
@pytest.mark.parametrize("case", CASES)
def test_other_types_have_the_derivatives_of_float64(case, dtype, compiled):
    operation, operands = CASES[case]
    # Such that rounding the operands themselves changes nothing.
    operands = [tf.cast(tf.cast(operand, tf.bfloat16), tf.float64) for operand in operands]

    def both(operands):
        with tf.GradientTape() as outer:
            outer.watch(operands)
            with tf.GradientTape() as inner:
                inner.watch(operands)
                y = operation("cpu", *operands)
                value = tf.reduce_sum(tf.cast(y, tf.float64) ** 2) / 16
            first = inner.gradient(value, operands, unconnected_gradients="zero")
            energy = tf.add_n([tf.reduce_sum(tf.cast(g, tf.float64) ** 2) for g in first]) / 16
        return [*first, *outer.gradient(energy, operands, unconnected_gradients="zero")]

    rounding = {tf.float32: 1e-5, tf.bfloat16: 0.05, tf.float16: 0.01}[dtype]
    found = both([tf.cast(operand, dtype) for operand in operands])
    for got, exact in zip(found, both(operands)):
        assert got.dtype == dtype
        scale = max(1e-6, np.abs(exact).max())
        np.testing.assert_allclose(tf.cast(got, tf.float64) / scale, exact / scale, atol=rounding)
