"""The minibatch standard deviation against values derived by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import minibatch_stddev


def _plane(values, group: int = 4) -> np.ndarray:
    """The appended channel's value of every sample; sample n is filled with values[n]."""
    x = tf.tile(tf.constant(values, tf.float32)[:, None, None, None], [1, 2, 2, 3])
    y = minibatch_stddev.MinibatchStddev(group)(x)
    np.testing.assert_array_equal(y[..., :3], x)
    plane = y[..., 3].numpy()
    np.testing.assert_array_equal(plane, np.broadcast_to(plane[:, :1, :1], plane.shape))
    return plane[:, 0, 0]


@pytest.mark.parametrize(
    "values, expected",
    [
        # Groups {0, 2, 4, 6} and {1, 3, 5, 7}: variance 5. Contiguous groups would have 1.25.
        (range(8), math.sqrt(5)),
        (range(3), math.sqrt(2 / 3)),
        # Of 6 the largest divisor up to 4 is 3: groups {0, 2, 4} and {1, 3, 5}, variance 8 / 3.
        (range(6), math.sqrt(8 / 3)),
        # 5 is divided by no group from 2 to 4: alone, a sample does not vary.
        (range(5), 1e-4),
        (range(1), 1e-4),
        ([3.0] * 4, 1e-4),
    ],
)
def test_the_deviation_is_that_of_strided_groups(values, expected):
    np.testing.assert_allclose(_plane(list(values)), expected, rtol=1e-6)


def test_every_sample_is_told_about_its_own_group():
    # Groups {0, 2, 4, 6}, all zero, and {1, 3, 5, 7}: +-3.
    values = [0, 3, 0, -3, 0, 3, 0, -3]
    np.testing.assert_allclose(_plane(values), [1e-4, 3] * 4, rtol=1e-6)


def test_the_group_may_be_larger_than_four():
    # One group of 8 of the variance of 0..7: 5.25.
    np.testing.assert_allclose(_plane(list(range(8)), group=8), math.sqrt(5.25), rtol=1e-6)


def test_the_deviation_is_averaged_over_pixels_and_channels():
    x = np.zeros([2, 2, 2, 2], np.float32)
    x[1, 0, 1, 0] = 16  # one of eight values deviates, by 8
    y = minibatch_stddev.MinibatchStddev()(tf.constant(x))
    np.testing.assert_allclose(y[..., 2], 1 + 7 / 8 * 1e-4, rtol=1e-6)


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5, 6, 8, 9, 10])
def test_an_unknown_batch_is_grouped_as_a_known_one(batch):
    layer = minibatch_stddev.MinibatchStddev()
    traced = tf.function(layer, input_signature=[tf.TensorSpec([None, 2, 2, 3])])
    x = tf.random.stateless_normal([batch, 2, 2, 3], [0, batch])
    assert traced.get_concrete_function().structured_outputs.shape.as_list() == [None, 2, 2, 4]
    np.testing.assert_allclose(traced(x), layer(x), rtol=1e-6)


def test_half_precision_computes_in_float32():
    # Squares of 600 overflow float16, and a tenth of a percent is nothing to bfloat16.
    x = tf.constant([[1000.0], [1001.0]])[:, None, None]
    layer = minibatch_stddev.MinibatchStddev(dtype="mixed_float16")
    y = layer(x)
    assert y.dtype == tf.float16
    np.testing.assert_allclose(y[..., 1], 0.5, rtol=1e-3)
    far = layer(tf.constant([[-600.0], [600.0]])[:, None, None])
    np.testing.assert_allclose(far[..., 1], 600, rtol=1e-3)
