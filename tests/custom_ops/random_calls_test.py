"""Random calls of the real operations: each is an error, or equals `ref` with its gradients."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import bias_act
from dualcontrast.custom_ops import local_aggregation as aggregation
from dualcontrast.custom_ops import upfirdn2d

TYPES = [tf.float32, tf.float64, tf.bfloat16, tf.float16]
ROUNDING = {tf.float32: 2e-5, tf.float64: 1e-11, tf.bfloat16: 0.06, tf.float16: 8e-3}


def integers(draw, low, high, count):
    return [int(n) for n in draw.integers(low, high, count)]


def random_upfirdn2d(draw):
    shape = [*integers(draw, 0, 3, 1), *integers(draw, 0, 9, 2), *integers(draw, 0, 20, 1)]
    taps = integers(draw, 1, 7, 2)
    dense = bool(draw.integers(2))
    kernel = draw.standard_normal(taps) if dense else tuple(map(draw.standard_normal, taps))
    keywords = {
        "up": tuple(integers(draw, 0 if draw.integers(20) == 0 else 1, 4, 2)),
        "down": tuple(integers(draw, 0 if draw.integers(20) == 0 else 1, 4, 2)),
        "padding": tuple(map(tuple, draw.integers(-3, 6, (2, 2)).tolist())),
        "flip": bool(draw.integers(2)),
    }
    if not dense and draw.integers(3) == 0:
        # The resamplings with code of their own.
        kernel = upfirdn2d.lowpass()
        keywords |= {"up": (2, 2), "down": (1, 1)} if draw.integers(2) else {"up": 1, "down": 2}
    return [shape], lambda impl, x: upfirdn2d.upfirdn2d(x, kernel, impl=impl, **keywords)


def random_bias_act(draw):
    shape = integers(draw, 0, 6, int(draw.integers(1, 5)))
    shape[-1] = int(draw.integers(0, 40))
    shapes = [shape]
    with_bias, with_noise = draw.integers(2), draw.integers(3) if len(shape) > 1 else 0
    if with_bias:
        shapes.append([shape[-1] + int(draw.integers(15) == 0)])
    if with_noise:
        shapes.append([1 if with_noise == 2 else shape[0], *shape[1:-1], 1])
    keywords = {
        "activation": str(draw.choice([*bias_act.ACTIVATIONS, "lrelu", "lrelu"])),
        "slope": float(draw.choice([0.2, 0.0, 1.0, 1.5], p=[0.7, 0.1, 0.1, 0.1])),
        "gain": float(draw.choice([1.0, 2**0.5, 0.0], p=[0.5, 0.45, 0.05])),
        "clamp": [None, 0.75, -1.0][int(draw.choice(3, p=[0.6, 0.35, 0.05]))],
    }

    def call(impl, x, *rest):
        rest = list(rest)
        bias = rest.pop(0) if with_bias else None
        noise = rest.pop(0) if with_noise else None
        return bias_act.bias_act(x, bias, noise, impl=impl, **keywords)

    return shapes, call


def random_local_aggregation(draw):
    window, maps = int(draw.choice([1, 2, 3, 3, 5], p=[0.3, 0.1, 0.3, 0.25, 0.05])), int(
        draw.integers(19)
    )
    groups = int(draw.integers(0, 11))
    batch, height, width = integers(draw, 0, 5, 3)
    values = [batch, height + window - 1, width + window - 1, maps * groups]
    if draw.integers(10) == 0:
        values[int(draw.integers(4))] += 1
    shapes = [[batch, height, width, window**2, maps], values]
    return shapes, lambda impl, w, v: aggregation.local_aggregation(w, v, impl=impl)


CALLS = {
    "upfirdn2d": random_upfirdn2d,
    "bias_act": random_bias_act,
    "local_aggregation": random_local_aggregation,
}


def results(call, impl, operands):
    """The output and the gradients, or the error's text."""
    try:
        with tf.GradientTape() as tape:
            tape.watch(operands)
            y = call(impl, *operands)
        upstream = tf.cast(tf.cos(tf.range(tf.size(y), dtype=tf.float64)), y.dtype)
        upstream = tf.reshape(upstream, tf.shape(y))
        return [y, *tape.gradient(y, operands, upstream, unconnected_gradients="zero")]
    except tf.errors.InvalidArgumentError as error:
        return error.message


def compare(name, seed):
    """Returns whether call number `seed` was refused; fails where it differs from `ref`."""
    draw = np.random.default_rng(seed)
    shapes, call = CALLS[name](draw)
    dtype = TYPES[int(draw.integers(len(TYPES)))]
    operands = [tf.cast(draw.standard_normal(shape), dtype) for shape in shapes]
    found, expected = results(call, "cpu", operands), results(call, "ref", operands)
    where = f"{name}, seed {seed}, {dtype.name} {shapes}"
    if isinstance(expected, str):
        assert found == expected, where
        return True
    assert not isinstance(found, str), f"{where}: {found}"
    for got, exact in zip(found, expected):
        assert got.shape == exact.shape and got.dtype == exact.dtype, where
        got, exact = (tf.cast(x, tf.float64).numpy() for x in (got, exact))
        scale = max(1.0, np.abs(exact).max(initial=0))
        wrong = np.abs(got - exact) > ROUNDING[dtype] * scale
        # Where rounding moves a value over a kink or the clamp, a derivative jumps.
        allowed = 0.02 * wrong.size if dtype in (tf.bfloat16, tf.float16) else 0
        if name == "bias_act" and dtype != tf.float64:
            allowed += 3
        assert wrong.sum() <= allowed, where
    return False


@pytest.mark.parametrize("name", CALLS)
def test_random_calls_are_refused_or_equal_ref(name, compiled):
    refused = sum(compare(name, seed) for seed in range(500))
    assert 25 < refused < 450


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_a_hundred_thousand_random_calls_are_refused_or_equal_ref(name, compiled):
    refused = sum(compare(name, seed) for seed in range(500, 100_500))
    assert 5_000 < refused < 90_000
