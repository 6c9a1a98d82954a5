"""The gradient of a resampling is its transpose."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d


def random_case(seed):
    draw = np.random.default_rng(seed)
    taps = int(draw.integers(1, 6))
    keywords = {
        "up": int(draw.integers(1, 4)),
        "down": int(draw.integers(1, 4)),
        # Cropping as well as padding.
        "padding": tuple(int(p) for p in draw.integers(-1, taps + 1, 2)),
        "gain": float(draw.choice([1.0, 4.0, 0.5])),
    }
    x = draw.standard_normal((2, *draw.integers(taps + 2, 11, 2), int(draw.integers(1, 7))))
    return tf.constant(x), draw.integers(-8, 9, (taps, taps)) / 8, keywords, draw


@pytest.mark.parametrize("seed", range(24))
def test_the_gradient_of_random_cases_is_the_transpose(seed, impl):
    x, kernel, keywords, draw = random_case(seed)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = upfirdn2d.upfirdn2d(x, kernel, impl=impl, **keywords)
    v = tf.constant(draw.standard_normal(y.shape))
    gradient = tape.gradient(y, x, v)
    assert gradient.shape == x.shape
    # Linear in x: <A z, v> = <z, A' v> for every z.
    z = tf.constant(draw.standard_normal(x.shape))
    there = tf.reduce_sum(upfirdn2d.upfirdn2d(z, kernel, impl=impl, **keywords) * v)
    np.testing.assert_allclose(tf.reduce_sum(z * gradient), there, rtol=1e-9, atol=1e-9)
