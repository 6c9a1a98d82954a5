"""Resampling: the values StyleGAN2 gives, scipy's, and derivatives of every order."""

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d

LOWPASS = upfirdn2d.lowpass()
# The resamplings of StyleGAN2 with four taps: up, down, padding.
STYLEGAN2 = [(2, 1, (2, 1)), (1, 2, (1, 1)), (1, 1, (2, 1)), (1, 1, (1, 1)), (1, 1, (2, 2))]


def _random(seed: int):
    """A random case: x, a kernel as two outer products of eighths (exact in float32), keywords."""
    draw = np.random.default_rng(seed)
    taps = int(draw.integers(1, 6))
    rows, columns = draw.integers(-16, 17, (2, 2, taps)) / 8
    x = draw.standard_normal((2, *draw.integers(taps, 9, 2), int(draw.integers(1, 7))))
    keywords = {
        "up": int(draw.integers(1, 4)),
        "down": int(draw.integers(1, 4)),
        "padding": tuple(int(p) for p in draw.integers(0, taps + 1, 2)),
        "gain": float(draw.choice([1.0, 4.0, 0.5])),
    }
    return x, rows, columns, keywords


def _scipy_axis(x, taps, axis, up, down, padding):
    """scipy's full convolution, cropped or extended to what padding leaves of it."""
    full = scipy.signal.upfirdn(taps, x, up, 1, axis=axis)
    before, after = padding
    length = x.shape[axis] * up + before + after - len(taps) + 1
    around = [(0, 0)] * x.ndim
    around[axis] = (before, length + up)
    padded = np.pad(full, around)
    start = len(taps) - 1
    return padded.take(range(start, start + length), axis)[
        tuple(slice(None, None, down if a == axis else 1) for a in range(x.ndim))
    ]


def test_the_filter_is_the_binomial_one_and_keeps_the_mean():
    np.testing.assert_array_equal(LOWPASS * 8, [1, 3, 3, 1])
    assert LOWPASS.dtype == np.float32 and LOWPASS.sum() == 1


def test_a_checkerboard_is_filtered_to_nothing(impl):
    checkerboard = tf.constant((-1.0) ** np.add.outer(range(10), range(10)))[None, :, :, None]
    inside = upfirdn2d.filter_2d(checkerboard, LOWPASS, impl=impl)[0, 3:-3, 3:-3, 0]
    np.testing.assert_array_equal(inside, np.zeros([4, 4]))


@pytest.mark.parametrize(
    "operation, start, end",
    [
        (upfirdn2d.upsample_2d, [0.75], [0.75]),
        (upfirdn2d.downsample_2d, [0.875], [0.875]),
        (upfirdn2d.filter_2d, [0.5, 0.875], [0.875]),
    ],
)
def test_the_borders_of_a_constant_have_the_profile_of_stylegan2(operation, start, end, impl):
    y = operation(tf.ones([1, 16, 16, 1], tf.float64), LOWPASS, impl=impl)[0, :, :, 0]
    profile = np.ones(y.shape[0])
    profile[: len(start)], profile[-len(end) :] = start, end
    np.testing.assert_allclose(y, np.outer(profile, profile), atol=1e-12)


def test_upsampling_interpolates_between_half_pixel_centres(impl):
    ramp = tf.tile(tf.range(8, dtype=tf.float64)[None, :, None, None], [1, 1, 8, 1])
    inside = upfirdn2d.upsample_2d(ramp, LOWPASS, impl=impl)[0, 1:-1, 8, 0]
    np.testing.assert_allclose(inside, np.arange(0.25, 7, 0.5))


def test_an_impulse_is_upsampled_to_a_patch_that_starts_one_pixel_early(impl):
    impulse = np.zeros([1, 6, 6, 1])
    impulse[0, 2, 3, 0] = 1
    y = upfirdn2d.upsample_2d(tf.constant(impulse), LOWPASS, impl=impl)[0, :, :, 0].numpy()
    expected = np.zeros([12, 12])
    expected[3:7, 5:9] = np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25])
    np.testing.assert_allclose(y, expected)


def test_upsampled_white_noise_has_the_same_variance_in_every_phase(impl):
    # The variance of an output is the sum of its squared weights, here of one pixel by phase.
    impulse = np.zeros([1, 9, 9, 1])
    impulse[0, 4, 4, 0] = 1
    y = upfirdn2d.upsample_2d(tf.constant(impulse), LOWPASS, impl=impl)[0, :, :, 0].numpy()
    for row, column in np.ndindex(2, 2):
        assert np.sum(y[row::2, column::2] ** 2) == pytest.approx(0.390625)


def test_downsampled_white_noise_has_a_tenth_of_its_variance(impl):
    x = tf.zeros([1, 16, 16, 1], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        pixel = upfirdn2d.downsample_2d(x, LOWPASS, impl=impl)[0, 4, 4, 0]
    assert np.sum(tape.gradient(pixel, x) ** 2) == pytest.approx(0.09765625)


def test_the_kernel_is_convolved_not_correlated(impl):
    impulse = tf.constant([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]])[None, :, :, None]
    kernel = np.array([[1, 2], [3, 4]], np.float32)
    convolved = upfirdn2d.upfirdn2d(impulse, kernel, padding=(0, 0), impl=impl)[0, :, :, 0]
    np.testing.assert_array_equal(convolved, [[1, 2], [3, 4]])
    flipped = upfirdn2d.upfirdn2d(impulse, kernel[::-1, ::-1], padding=(0, 0), impl=impl)[
        0, :, :, 0
    ]
    np.testing.assert_array_equal(flipped, [[4, 3], [2, 1]])


@pytest.mark.parametrize("seed", range(24))
def test_random_cases_equal_scipy_and_the_shape_formula(seed, impl):
    x, rows, columns, keywords = _random(seed)
    kernel = sum(np.outer(r, c) for r, c in zip(rows, columns))
    y = upfirdn2d.upfirdn2d(tf.constant(x), kernel, **keywords, impl=impl)
    up, down, padding = keywords["up"], keywords["down"], keywords["padding"]
    expected = 0
    for r, c in zip(rows, columns):
        along_height = _scipy_axis(x, r, 1, up, down, padding)
        expected = expected + _scipy_axis(along_height, c, 2, up, down, padding)
    sides = [(n * up + sum(padding) - len(kernel)) // down + 1 for n in x.shape[1:3]]
    assert y.shape == (x.shape[0], *sides, x.shape[3])
    np.testing.assert_allclose(y, keywords["gain"] * expected, atol=1e-11)


@pytest.mark.parametrize("up, down, padding", [*STYLEGAN2, (3, 2, (2, 0)), (2, 2, (1, 1))])
@pytest.mark.parametrize("channels", [3, 5])
def test_the_gradient_is_the_adjoint_resampling(up, down, padding, channels, impl):
    draw = np.random.default_rng(0)
    kernel = draw.integers(-8, 9, (4, 4)) / 8
    x = tf.constant(draw.standard_normal((2, 6, 6, channels)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = upfirdn2d.upfirdn2d(x, kernel, up=up, down=down, padding=padding, impl=impl)
        v = tf.constant(draw.standard_normal(y.shape))
        inner = tf.reduce_sum(y * v)
    before = 4 - padding[0] - 1
    after = 6 * up - y.shape[1] * down + padding[0] - up + 1
    adjoint = upfirdn2d.upfirdn2d(
        v, kernel[::-1, ::-1], up=down, down=up, padding=(before, after), impl=impl
    )
    np.testing.assert_allclose(tape.gradient(inner, x), adjoint, atol=1e-11)
    np.testing.assert_allclose(tf.reduce_sum(x * adjoint), inner, rtol=1e-11)


@pytest.mark.parametrize("up, down, padding", STYLEGAN2[:3])
@pytest.mark.parametrize("channels", [2, 5])
def test_second_derivatives_match_finite_differences(up, down, padding, channels, impl):
    draw = np.random.default_rng(1)
    x, direction = (tf.constant(a) for a in draw.standard_normal((2, 1, 4, 4, channels)))

    def squared_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = upfirdn2d.upfirdn2d(
                x, LOWPASS, up=up, down=down, padding=padding, gain=3.0, impl=impl
            )
            cubes = tf.reduce_sum(y**3)
        return tf.reduce_sum(tape.gradient(cubes, x) ** 2)

    with tf.GradientTape() as tape:
        tape.watch(x)
        penalty = squared_gradient(x)
    slope = tf.reduce_sum(tape.gradient(penalty, x) * direction)
    step = 1e-5
    ahead, behind = squared_gradient(x + step * direction), squared_gradient(x - step * direction)
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-7)
    assert abs(slope) > 1e-3


@pytest.mark.parametrize(
    "taps, padding",
    [(4, (2, 1)), (4, (1, 2)), (4, (0, 3)), (3, (1, 1)), (2, (1, 0)), (5, (4, 0)), (6, (3, 2))],
)
def test_few_channels_are_upsampled_as_many_are(taps, padding, impl):
    # Up to four channels take the path without zeros.
    draw = np.random.default_rng(taps)
    kernel = draw.integers(-8, 9, (taps, taps)) / 8
    x = tf.constant(draw.standard_normal((2, 5, 7, 6)))
    many = upfirdn2d.upfirdn2d(x, kernel, up=2, padding=padding, gain=4.0, impl=impl)
    few = upfirdn2d.upfirdn2d(x[..., :3], kernel, up=2, padding=padding, gain=4.0, impl=impl)
    np.testing.assert_allclose(few, many[..., :3], atol=1e-12)


@pytest.mark.parametrize("channels", [3, 5])
@pytest.mark.parametrize(
    "operation", [upfirdn2d.upsample_2d, upfirdn2d.downsample_2d, upfirdn2d.filter_2d]
)
def test_bfloat16_comes_back_as_bfloat16_near_float32(operation, channels, impl):
    x = tf.cast(tf.random.stateless_normal([2, 8, 8, channels], [0, 1]), tf.bfloat16)
    y = operation(x, LOWPASS, impl=impl)
    assert y.dtype == tf.bfloat16
    exact = operation(tf.cast(x, tf.float32), LOWPASS, impl=impl)
    np.testing.assert_allclose(tf.cast(y, tf.float32), exact, atol=0.02)


def test_the_batch_may_be_unknown_while_tracing(impl):
    x = tf.random.stateless_normal([3, 4, 4, 5], [0, 1])
    traced = tf.function(
        lambda x: upfirdn2d.upsample_2d(x, LOWPASS, impl=impl),
        input_signature=[tf.TensorSpec([None, 4, 4, 5])],
    )
    np.testing.assert_allclose(traced(x), upfirdn2d.upsample_2d(x, LOWPASS, impl=impl), atol=1e-6)


@pytest.mark.parametrize(
    "bad, named",
    [
        ({"kernel": np.ones(0)}, r"kernel must be .* 1 to 32 taps a side, got \[0\]"),
        ({"kernel": np.ones(33)}, r"kernel must be .*, got \[33\]"),
        ({"kernel": np.ones((2, 2, 2))}, r"kernel must be .*, got \[2, 2, 2\]"),
        ({"kernel": (np.ones(2), np.ones((2, 2)))}, r"kernel must be .*, got \[2\] and \[2, 2\]"),
        ({"up": 0}, "up must be 1 to 16, .*, got 0"),
        ({"up": (1, 17)}, r"up must be 1 to 16, .*, got \(1, 17\)"),
        ({"down": (1, 2, 3)}, r"down must be 1 to 16, .*, got \(1, 2, 3\)"),
        ({"padding": (0.5, 0)}, r"padding must be whole numbers, .*, got \(0.5, 0\)"),
        ({"padding": (1, 2, 3)}, r"padding must be whole numbers, .*, got \(1, 2, 3\)"),
        ({"padding": (2**21, 0)}, "padding must be -1048576 to 1048576"),
        ({"padding": ((0, 0), (-3, 0))}, r"a width of at least 4 .*, got 1 = 4 \* 1 \+ -3 \+ 0"),
        ({"gain": float("nan")}, "kernel \\* gain must be finite, got gain=nan"),
        ({"impl": "gpu"}, "impl must be one of auto, cuda, cpu, ref, got 'gpu'"),
    ],
)
def test_a_bad_argument_is_named(bad, named):
    with pytest.raises(tf.errors.InvalidArgumentError, match=named):
        upfirdn2d.upfirdn2d(tf.zeros([1, 4, 4, 1]), **{"kernel": LOWPASS, **bad})


@pytest.mark.parametrize(
    "shape, named",
    [
        ([4, 4, 1], r"x must be \[batch, height, width, channels\], got \(4, 4, 1\)"),
        ([1, 0, 4, 1], "x must have a height of 1 to 16777216, got 0"),
    ],
)
def test_a_bad_shape_is_named(shape, named):
    with pytest.raises(tf.errors.InvalidArgumentError, match=named):
        upfirdn2d.upfirdn2d(tf.zeros(shape), LOWPASS, padding=(2, 2))


def test_a_side_that_is_unknown_while_tracing_is_refused():
    traced = tf.function(lambda x: upfirdn2d.filter_2d(x, LOWPASS))
    with pytest.raises(tf.errors.InvalidArgumentError, match="a known height while tracing"):
        traced.get_concrete_function(tf.TensorSpec([1, None, 4, 1]))


@pytest.mark.parametrize("shape", [[0, 4, 4, 3], [2, 4, 4, 0]])
def test_an_empty_tensor_stays_empty(shape, impl):
    x = tf.zeros(shape)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = upfirdn2d.upsample_2d(x, LOWPASS, impl=impl)
    assert y.shape == [shape[0], 8, 8, shape[3]]
    assert tape.gradient(y, x).shape == shape


def test_the_axes_can_differ_in_everything(impl):
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    kernel = (np.array([1.0, 2.0, 4.0]), np.array([1.0, -1.0]))
    y = upfirdn2d.upfirdn2d(
        tf.constant(x), kernel, up=(1, 3), down=(2, 1), padding=((2, -1), (-2, 4)), impl=impl
    )
    spread = np.zeros((2, 5, 18, 3))
    spread[:, :, ::3] = x
    spread = np.pad(spread[:, :, 2:], ((0, 0), (2, 0), (0, 4), (0, 0)))[:, :6]
    # Row r of the output convolves rows 2r - 2 to 2r, of which those above the image are zero.
    rows = [sum(kernel[0][2 - t] * spread[:, 2 * r + t] for t in range(3)) for r in range(2)]
    expected = np.stack(rows, 1)
    expected = expected[:, :, 1:] * kernel[1][0] + expected[:, :, :-1] * kernel[1][1]
    assert y.shape == (2, 2, 19, 3)
    np.testing.assert_allclose(y, expected, atol=1e-12)
