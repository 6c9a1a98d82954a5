"""Convolutions in groups against their definition, their derivatives, and their refusals."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import grouped_conv2d

DRAW = np.random.default_rng(0)


def by_definition(x, kernel):
    """Tap by tap and group by group, in float64."""
    taps, _, size, filters = kernel.shape
    groups = x.shape[3] // size
    around = taps // 2
    padded = np.pad(x, [(0, 0), (around, around), (around, around), (0, 0)])
    out = np.zeros([*x.shape[:3], filters])
    for group in range(groups):
        inputs = slice(group * size, (group + 1) * size)
        outputs = slice(group * filters // groups, (group + 1) * filters // groups)
        for i, j in np.ndindex(taps, taps):
            seen = padded[:, i : i + x.shape[1], j : j + x.shape[2], inputs]
            out[..., outputs] += seen @ kernel[i, j, :, outputs]
    return out


# One convolution for all groups; two for four each; one for each; odd numbers of filters.
@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize(
    "channels, size, filters", [(12, 4, 12), (64, 8, 64), (80, 40, 6), (99, 11, 27), (7, 7, 3)]
)
def test_every_group_has_kernels_of_its_own(taps, channels, size, filters):
    x = DRAW.standard_normal([2, 5, 4, channels])
    kernel = DRAW.standard_normal([taps, taps, size, filters])
    found = grouped_conv2d.grouped_conv2d(tf.constant(x), tf.constant(kernel))
    np.testing.assert_allclose(found, by_definition(x, kernel), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [4, 24])  # Together, and each alone.
def test_the_slope_of_a_squared_gradient_is_that_of_differences(size):
    # As in R1: along one direction of inputs and kernel together.
    values = [DRAW.standard_normal([2, 4, 4, 2 * size]), DRAW.standard_normal([3, 3, size, 6])]
    ways = [DRAW.standard_normal(value.shape) for value in values]

    def penalty(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = tf.reduce_sum(tf.tanh(grouped_conv2d.grouped_conv2d(x, kernel) / size))
        return tf.reduce_sum(tape.gradient(out, x) ** 2)

    with tf.GradientTape() as tape:
        at = [tf.constant(value) for value in values]
        tape.watch(at)
        found = penalty(*at)
    slope = sum(np.sum(g * way) for g, way in zip(tape.gradient(found, at), ways))
    ends = [
        penalty(*(tf.constant(value + step * way) for value, way in zip(values, ways)))
        for step in (1e-5, -1e-5)
    ]
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-5, rtol=1e-6)


def test_the_batch_may_be_unknown_while_tracing():
    x, kernel = np.float32(DRAW.standard_normal([2, 4, 4, 6])), tf.ones([3, 3, 2, 6])
    traced = tf.function(grouped_conv2d.grouped_conv2d).get_concrete_function(
        tf.TensorSpec([None, 4, 4, 6]), kernel
    )
    expected = by_definition(x, kernel.numpy())
    np.testing.assert_allclose(traced(tf.constant(x), kernel), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel", [(3, 3, 4, 12), (3, 3, 2, 4), (3, 3, 12, 6)])
def test_groups_that_do_not_divide_are_refused(kernel):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"groups of {kernel[2]} channels"):
        grouped_conv2d.grouped_conv2d(tf.ones([1, 4, 4, 6]), tf.ones(kernel))
