"""Local aggregation: golden values, properties, and what is refused."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import local_aggregation as aggregation


def fill(shape, a, b):
    return tf.constant(np.sin(a + b * np.arange(np.prod(shape))).reshape(shape))


def pad(values, border, mode):
    around = [[0, 0], [border, border], [border, border], [0, 0]]
    return tf.pad(values, around, "REFLECT" if mode == "reflect" else "CONSTANT")


def random_case(seed, window, maps, groups):
    draw = np.random.default_rng(seed)
    weights = draw.standard_normal((2, 3, 5, window**2, maps))
    values = draw.standard_normal((2, 3 + window - 1, 5 + window - 1, maps * groups))
    return tf.constant(weights), tf.constant(values)


def loops(weights, values):
    """The definition, one number at a time."""
    batch, height, width, taps, maps = weights.shape
    window, channels = int(taps**0.5), values.shape[-1]
    output = np.zeros((batch, height, width, channels))
    for n, y, x, i, j, c in itertools.product(
        range(batch), range(height), range(width), range(window), range(window), range(channels)
    ):
        weight = weights[n, y, x, i * window + j, c % maps]
        output[n, y, x, c] += weight * values[n, y + i, x + j, c]
    return output


# Sums and sums of squares of the output, of the weights' gradient and of the values' gradient.
GOLDEN = {
    "zero": (
        (14.6062721787, 22.3844692462),
        (6.0099809392, 145.0031760367),
        (-0.2895852431, 10.9954125748),
    ),
    "reflect": (
        (8.6697051417, 14.2799003436),
        (7.4619105100, 199.5575529587),
        (-0.8949793479, 19.8166427202),
    ),
}


@pytest.mark.parametrize("mode", GOLDEN)
def test_golden_sums_are_met(mode, impl):
    values, weights = fill((1, 4, 5, 4), 0.3, 0.7), fill((1, 4, 5, 9, 2), 0.1, 0.37)
    upstream = fill(values.shape, 1.1, 0.53)
    with tf.GradientTape() as tape:
        tape.watch([weights, values])
        output = aggregation.local_aggregation(weights, pad(values, 1, mode), impl=impl)
    results = [output, *tape.gradient(output, [weights, values], upstream)]
    found = [(np.sum(result), np.sum(np.square(result))) for result in results]
    np.testing.assert_allclose(found, GOLDEN[mode], atol=1e-9)
    np.testing.assert_allclose(
        output[0, 1, 2], [-0.2849575362, -0.0391669119, 0.0187358036, 0.2360963039], atol=1e-9
    )


@pytest.mark.parametrize("window, maps, groups", [(1, 3, 2), (3, 2, 3), (5, 17, 9), (7, 1, 1)])
def test_it_is_the_sum_of_its_definition(window, maps, groups, impl):
    weights, values = random_case(0, window, maps, groups)
    output = aggregation.local_aggregation(weights, values, impl=impl)
    np.testing.assert_allclose(output, loops(weights.numpy(), values.numpy()), atol=1e-11)


def test_it_equals_the_sum_over_extracted_patches(impl):
    weights, values = random_case(1, 3, 2, 4)
    patches = tf.image.extract_patches(values, [1, 3, 3, 1], [1] * 4, [1] * 4, "VALID")
    patches = tf.reshape(patches, [2, 3, 5, 9, 4, 2])
    expected = tf.reshape(tf.einsum("nhwta,nhwtga->nhwga", weights, patches), [2, 3, 5, 8])
    output = aggregation.local_aggregation(weights, values, impl=impl)
    np.testing.assert_allclose(output, expected, atol=1e-12)


def test_weights_that_are_equal_everywhere_are_a_depthwise_convolution(impl):
    _, values = random_case(2, 3, 2, 3)
    kernel = np.random.default_rng(0).standard_normal((9, 2))
    weights = tf.broadcast_to(tf.constant(kernel), [2, 3, 5, 9, 2])
    depthwise = np.tile(kernel.reshape(3, 3, 1, 2), (1, 1, 3, 1)).reshape(3, 3, 6, 1)
    expected = tf.nn.depthwise_conv2d(values, depthwise, [1] * 4, "VALID")
    output = aggregation.local_aggregation(weights, values, impl=impl)
    np.testing.assert_allclose(output, expected, atol=1e-12)


def test_a_one_in_the_middle_returns_the_values(impl):
    _, values = random_case(3, 5, 2, 3)
    weights = tf.one_hot(tf.fill([2, 3, 5, 2], 12), 25, axis=3, dtype=tf.float64)
    output = aggregation.local_aggregation(weights, values, impl=impl)
    np.testing.assert_array_equal(output, values[:, 2:-2, 2:-2])


def test_channels_that_share_a_map_and_values_are_equal(impl):
    weights, values = random_case(4, 3, 3, 1)
    output = aggregation.local_aggregation(weights, tf.concat([values, values], -1), impl=impl)
    np.testing.assert_array_equal(output[..., :3], output[..., 3:])


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
def test_half_precision_is_summed_in_float32(dtype, impl):
    weights, values = (tf.cast(x, dtype) for x in random_case(5, 7, 4, 3))
    output = aggregation.local_aggregation(weights, values, impl=impl)
    assert output.dtype == dtype
    exact = loops(*(tf.cast(x, tf.float64).numpy() for x in (weights, values)))
    rounding = 2**-8 if dtype == tf.bfloat16 else 2**-10
    np.testing.assert_allclose(tf.cast(output, tf.float64), exact, rtol=rounding, atol=1e-4)


@pytest.mark.parametrize("empty", [{"batch": 0}, {"groups": 0}])
def test_an_empty_tensor_has_gradients_of_zero(empty, impl):
    batch, groups = empty.get("batch", 2), empty.get("groups", 3)
    weights, values = tf.ones([batch, 3, 4, 9, 2]), tf.ones([batch, 5, 6, 2 * groups])
    with tf.GradientTape() as tape:
        tape.watch([weights, values])
        output = aggregation.local_aggregation(weights, values, impl=impl)
    assert output.shape == [batch, 3, 4, 2 * groups]
    for operand, gradient in zip((weights, values), tape.gradient(output, [weights, values])):
        np.testing.assert_array_equal(gradient, tf.zeros_like(operand))


@pytest.mark.parametrize(
    "weights, values, named",
    [
        ([1, 4, 4, 9], [1, 6, 6, 2], r"weights must be \[batch, .*, maps\], got \(1, 4, 4, 9\)"),
        ([1, 4, 4, 8, 2], [1, 6, 6, 2], "an odd window of 1 to 31, squared, got 8 taps"),
        ([1, 4, 4, 16, 2], [1, 7, 7, 2], "an odd window of 1 to 31, squared, got 16 taps"),
        (
            [1, 4, 4, 9, 2],
            [1, 6, 5, 2],
            r"values must be \[batch, height \+ 2, .*got \(1, 6, 5, 2\)",
        ),
        ([2, 4, 4, 9, 2], [1, 6, 6, 2], r"values must be .*got \(1, 6, 6, 2\)"),
        ([1, 4, 4, 9, 2], [1, 6, 6, 3], "channels must be a multiple of the maps, got 3 and 2"),
    ],
)
def test_a_bad_shape_is_named(weights, values, named):
    with pytest.raises(tf.errors.InvalidArgumentError, match=named):
        aggregation.local_aggregation(tf.zeros(weights), tf.zeros(values))


def test_types_that_differ_are_named():
    weights, values = tf.zeros([1, 4, 4, 9, 2]), tf.zeros([1, 6, 6, 2], tf.bfloat16)
    with pytest.raises(tf.errors.InvalidArgumentError, match="one type, got float32 and bfloat16"):
        aggregation.local_aggregation(weights, values)
