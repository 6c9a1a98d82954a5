"""ADA's augmentations, by the numbers drawn and against an independent program."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation.ada import (
    blitting,
    chance,
    color,
    cutout,
    filtering,
    geometry,
    noise,
    pipeline,
    warp,
    wavelets,
)
from dualcontrast.trainer import draws
from tests.augmentation.given import Given

GROUPS = ("blit", "geom", "color", "filter", "noise", "cutout")
RANDOM = np.random.default_rng(0)


def images(batch, height, width, channels=3):
    return RANDOM.uniform(-1, 1, [batch, height, width, channels]).astype(np.float32)


def drawn(batch, seed=0):
    return draws.Draws(seed, 0, draws.Purpose.DISCRIMINATOR, batch)


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def affine(linear, shift=(0, 0)):
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = linear, shift
    return matrix


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("height, width", [(8, 8), (33, 20)])
def test_with_probability_0_nothing_changes(height, width, channels):
    given = images(2, height, width, channels)
    found = pipeline.augment(tf.constant(given), drawn(2), 0.0, GROUPS)
    np.testing.assert_allclose(found, given, atol=2e-5)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_with_probability_1_every_image_changes_and_keeps_its_shape(channels):
    given = images(8, 8, 8, channels)
    found = pipeline.augment(tf.constant(given), drawn(8), 1.0, GROUPS)
    assert found.shape == given.shape
    assert (np.abs(found - given).max((1, 2, 3)) > 0.05).all()


def test_a_coin_lies_below_the_probability_as_often_as_it_says():
    found = chance.sometimes(tf.ones([20_000]), 0.0, "flip", drawn(20_000), 0.3)
    assert np.mean(found) == pytest.approx(0.3, abs=0.01)  # three deviations


def test_maps_are_composed_in_the_published_order():
    # Shifts of -1/8 and 1/16 of 24 x 16 pixels: -3 and 1 of them.
    numbers = {"flip": 1, "turn": 1, "shift": [0.0, 0.75]}
    numbers |= {"scale": 1.5, "first_rotation": 0.75, "stretch": -2.0}
    numbers |= {"second_rotation": 0.4, "move": [0.5, -1.0]}
    coins = {f"{name}_coin": 0.0 for name in numbers}
    given = Given(2, **numbers, **coins)
    maps = blitting.blitting(16, 24, given, 1.0) + geometry.geometry(16, 24, given, 1.0)
    found = np.eye(3)
    for one in maps:
        found = found @ one[0].numpy()
    # What is done to an image, first things first, about its middle; then all of it undone.
    s, a = 2**0.3, 2**-0.4
    done = [
        affine(np.diag([-1, 1])),
        affine(turn(-np.pi / 2)),
        affine(np.eye(2), (-3, 1)),
        affine(s * np.eye(2)),
        affine(turn(-np.pi / 2)),
        affine(np.diag([a, 1 / a])),
        affine(turn(0.2 * np.pi)),
        affine(np.eye(2), (0.0625 * 24, -0.125 * 16)),
    ]
    whole = np.eye(3)
    for one in done:
        whole = one @ whole
    np.testing.assert_allclose(found, np.linalg.inv(whole), atol=1e-4)


def test_the_two_rotations_together_turn_as_many_as_any_other_change():
    coins = {f"{name}_coin": 0.99 for name in ("scale", "stretch", "move")}
    fixed = {"scale": 0.0, "stretch": 0.0, "move": 0.0}
    fixed |= {"first_rotation": 0.75, "second_rotation": 0.75}
    # 1 - √(1 - 0.36) is 0.2.
    for coin, turned in ((0.19, True), (0.21, False)):
        of_rotation = {"first_rotation_coin": coin, "second_rotation_coin": coin}
        maps = geometry.geometry(8, 8, Given(1, **fixed, **coins, **of_rotation), 0.36)
        assert (abs(maps[1][0, 0, 0] - 1) > 0.5) == (abs(maps[3][0, 0, 0] - 1) > 0.5) == turned


@pytest.mark.parametrize("x, y", [(3, 0), (-2, 4)])
def test_a_shift_by_whole_pixels_is_exact_and_mirrors_what_is_outside(x, y):
    given = images(1, 16, 12)
    found = warp.warp(
        tf.constant(given), tf.constant(affine(np.eye(2), (-x, -y))[None], tf.float32)
    )
    around = np.pad(given, [(0, 0), (8, 8), (8, 8), (0, 0)], "reflect")
    np.testing.assert_allclose(found, around[:, 8 - y : 24 - y, 8 - x : 20 - x], atol=1e-5)


def test_flips_and_quarter_turns_of_smooth_images_are_nearly_exact():
    row, column = np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-1, 1, 32), indexing="ij")
    smooth = np.stack([row, np.sin(2 * column), row * column], -1)[None].astype(np.float32)
    for linear, expected in (
        (np.diag([-1, 1]), smooth[:, :, ::-1]),
        (turn(-np.pi / 2), np.rot90(smooth, -1, (1, 2))),
    ):
        found = warp.warp(tf.constant(smooth), tf.constant(affine(linear)[None], tf.float32))
        np.testing.assert_allclose(found, expected, atol=0.04)


def warped(image, source):
    """One channel warped as in the paper's program: pad, double, read, halve, with loops."""
    height, width = image.shape
    up, left = height - 1, width - 1
    padded = np.pad(image, [(up, up), (left, left)], "reflect")
    zeros = np.zeros([2 * n for n in padded.shape])
    zeros[::2, ::2] = padded
    kernel = np.outer(wavelets.SYM6, wavelets.SYM6)
    framed = np.pad(zeros, 6)
    doubled = np.zeros_like(zeros)
    for i, j in np.ndindex(doubled.shape):  # convolution: the kernel is reversed
        doubled[i, j] = np.sum(framed[i : i + 12, j : j + 12][::-1, ::-1] * kernel)
    # The published canvas has three pixels more on each side.
    canvas = np.zeros([2 * (height + 6), 2 * (width + 6)])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    for i, j in np.ndindex(canvas.shape):
        place = np.array([j / 2 - 3, i / 2 - 3]) - middle
        x, y = 2 * (source[:2, :2] @ place + source[:2, 2] + middle + [left, up])
        corner = int(np.floor(y)), int(np.floor(x))
        for row, column in itertools.product(*((first, first + 1) for first in corner)):
            if 0 <= row < doubled.shape[0] and 0 <= column < doubled.shape[1]:
                share = (1 - abs(y - row)) * (1 - abs(x - column))
                canvas[i, j] += share * doubled[row, column]
    result = np.zeros_like(image)
    for i, j in np.ndindex(result.shape):
        result[i, j] = np.sum(canvas[2 * i + 1 : 2 * i + 13, 2 * j + 1 : 2 * j + 13] * kernel)
    return result


@pytest.mark.parametrize("scale", [1.0, 0.3, 4.0], ids=["turned", "larger", "beyond the mirrors"])
def test_a_warp_is_that_of_an_independent_program(scale):
    given = images(1, 8, 9, 1)
    source = affine(scale * turn(0.5) @ np.diag([1.1, 0.9]), (0.7, -1.3))
    found = warp.warp(tf.constant(given), tf.constant(source[None], tf.float32))
    expected = warped(given[0, :, :, 0].astype(np.float64), source)
    np.testing.assert_allclose(found[0, :, :, 0], expected, atol=2e-5)


def test_the_wavelets_are_orthonormal():
    for taps in (wavelets.SYM2, wavelets.SYM6):
        products = [taps[2 * k :] @ taps[: len(taps) - 2 * k] for k in range(len(taps) // 2)]
        np.testing.assert_allclose(products, np.eye(len(products))[0], atol=1e-11)
        assert taps.sum() == pytest.approx(2**0.5, abs=1e-11)


COLORS = {"brightness": 1.5, "contrast": -0.8, "luma": 1, "hue": 0.9, "saturation": 0.6}
COLOR_COINS = {f"{name}_coin": 0.0 for name in COLORS}


def recoloured(pixels, hue=True):
    """Pixels, [..., 3], changed one step after the other, without a matrix."""
    pixels = (pixels + 1.5 * 0.2) * 2 ** (-0.8 * 0.5)
    grey = pixels.mean(-1, keepdims=True)
    pixels = pixels - 2 * grey
    if hue:
        # Rodrigues' rotation about the grey axis by 0.8 π.
        axis, angle = np.ones(3) / np.sqrt(3), 0.8 * np.pi
        along = axis * (pixels @ axis)[..., None]
        pixels = (pixels * np.cos(angle) + np.cross(axis, pixels) * np.sin(angle)) + along * (
            1 - np.cos(angle)
        )
        grey = pixels.mean(-1, keepdims=True)
        pixels = grey + (pixels - grey) * 2**0.6
    return pixels


def test_colours_change_one_after_the_other_and_opacity_stays():
    given = images(2, 8, 8, 4)
    found = color.color(tf.constant(given), Given(2, **COLORS, **COLOR_COINS), 1.0)
    np.testing.assert_allclose(found[..., :3], recoloured(given[..., :3]), atol=1e-5)
    np.testing.assert_array_equal(found[..., 3], given[..., 3])


def test_greys_change_as_the_mean_of_the_colours():
    given = images(2, 8, 8, 1)
    found = color.color(tf.constant(given), Given(2, **COLORS, **COLOR_COINS), 1.0)
    expected = recoloured(np.repeat(given, 3, 3), hue=False).mean(-1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_bands_are_the_published_ones_and_a_unit_impulse_together():
    bands = filtering.filter_bank()
    np.testing.assert_allclose(bands.sum(0), np.eye(43)[21], atol=1e-11)
    np.testing.assert_allclose(bands.sum(1), [1, 0, 0, 0], atol=1e-11)
    np.testing.assert_allclose(bands[:, 21], [0.125, 0.125, 0.25, 0.5], atol=1e-11)
    assert (np.abs(bands) > 1e-12).sum(1).tolist() == [37, 37, 15, 5]


def test_a_band_that_is_louder_makes_the_others_softer():
    given = images(1, 30, 24)
    numbers = {f"band_{i}": 1.0 for i in range(4)}
    coins = {"band_0_coin": 0.9, "band_1_coin": 0.2, "band_2_coin": 0.9, "band_3_coin": 0.2}
    found = filtering.filtering(tf.constant(given), Given(1, **numbers, **coins), 0.5)
    # Two bands of power 1/13, one after the other, are doubled: power 16/13 each time.
    gains = np.array([1, 2, 1, 2]) / np.sqrt(16 / 13) ** 2
    taps = gains @ filtering.filter_bank()
    for axis in (1, 2):
        pads = [(21, 21) if i == axis else (0, 0) for i in range(4)]
        padded = np.pad(given, pads, "reflect")
        given = np.apply_along_axis(np.convolve, axis, padded, taps, "valid")
    np.testing.assert_allclose(found, given, atol=2e-5)


def test_noise_has_the_deviation_of_its_image():
    deviations = {"deviation": -2.0, "noise": RANDOM.normal(size=[2, 8, 8, 3])}
    for coin, expected in ((0.1, 0.2 * deviations["noise"]), (0.9, 0)):
        given = Given(2, **deviations, deviation_coin=coin)
        found = noise.noise(tf.zeros([2, 8, 8, 3]), given, 0.5)
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-6)


def test_a_cutout_is_half_a_side_wide_and_may_reach_out():
    areas = []
    for row, column in ((0.5, 0.5), (0.0, 0.999), (0.5, 0.0)):
        given = Given(1, row=row, column=column, cutout_coin=0.0)
        found = cutout.cutout(tf.ones([1, 16, 32, 1]), given, 1.0).numpy()
        areas.append(int((found == 0).sum()))
    assert areas == [8 * 16, 4 * 8, 8 * 8]
    found = cutout.cutout(tf.ones([4000, 8, 8, 1]), drawn(4000), 1.0).numpy()
    zeros = (found == 0).sum((1, 2, 3))
    # 3.5 ... 4.5 pixels of 8 fall on 4 pixel middles; at a corner, on 2.
    assert (zeros.min(), zeros.max()) == (4, 16)


@pytest.mark.parametrize("groups", [GROUPS[:2], GROUPS[2:]], ids=["moved", "changed"])
def test_gradients_are_those_of_finite_differences_also_of_second_order(groups):
    given, direction = (tf.constant(images(2, 8, 8, 3)) for _ in range(2))
    weight = tf.Variable(0.7)

    def judged(x):
        return tf.reduce_sum(tf.sin(weight * pipeline.augment(x, drawn(2, seed=3), 0.8, groups)))

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = judged(x)
        return tape.gradient(value, x)

    step = 1e-2
    difference = (judged(given + step * direction) - judged(given - step * direction)) / (2 * step)
    found = slope(given)
    along = tf.reduce_sum(found * direction)
    assert float(along) == pytest.approx(float(difference), rel=2e-3, abs=2e-2)
    # The gradient of R1 by what the discriminator knows.
    with tf.GradientTape() as tape:
        penalty = tf.reduce_sum(slope(given) ** 2)
    second = tape.gradient(penalty, weight)
    at = []
    for value in (0.71, 0.69):
        weight.assign(value)
        at.append(float(tf.reduce_sum(slope(given) ** 2)))
    assert float(second) == pytest.approx((at[0] - at[1]) / 0.02, rel=2e-3)


def test_an_image_is_augmented_alike_wherever_its_batch_is_computed():
    given = tf.constant(images(8, 8, 8))
    whole = pipeline.augment(given, drawn(8), 0.8, GROUPS).numpy()
    part = pipeline.augment(given[1::2], drawn(8).share(1, 2), 0.8, GROUPS)
    np.testing.assert_allclose(part, whole[1::2], atol=1e-6)
