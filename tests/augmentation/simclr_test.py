"""SimCLR's changes of images, against programs in NumPy and SciPy, and their gradients."""

import colorsys
import functools

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from dualcontrast.augmentation.simclr import (
    color_jitter,
    cutout,
    gaussian_blur,
    grayscale,
    hsv,
    random_resized_crop,
)
from dualcontrast.trainer import draws
from tests.augmentation.given import Given

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(0.05, 0.95, [2, 32, 32, 3]).astype(np.float32)

CHANGES = {
    "crop": random_resized_crop.random_resized_crop,
    "jitter": color_jitter.color_jitter,
    "exact jitter": functools.partial(color_jitter.color_jitter, straight_through=False),
    "grey": grayscale.grayscale,
    "blur": gaussian_blur.gaussian_blur,
    "cutout": cutout.cutout,
}


def drawn(images: int, seed: int = 0) -> draws.Draws:
    return draws.Draws(seed, 0, draws.Purpose.DISCRIMINATOR, images)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize(
    "rows, columns, down, right", [(32, 32, 0, 0), (20, 13, 12, -19), (9, 31, -3, 0)]
)
def test_a_crop_is_bilinear_and_reflected_about_the_edges(rows, columns, down, right, flipped):
    given = Given(2, crops=[rows, columns, down, right], flip=0.25 if flipped else 0.75)
    found = random_resized_crop.random_resized_crop(tf.constant(IMAGES), given)
    # The middle of the crop is down / 2 pixels below that of the image, at 15.5.
    steps = (np.arange(32) - 15.5) / 32
    y, x = 15.5 + down / 2 + rows * steps, 15.5 + right / 2 + columns * steps
    if flipped:
        x = x[::-1]
    places = np.meshgrid(y, x, indexing="ij")
    for image, expected in zip(found, IMAGES):
        for channel in range(3):
            np.testing.assert_allclose(
                image[..., channel],
                # SciPy's "reflect" repeats the outermost pixel.
                scipy.ndimage.map_coordinates(expected[..., channel], places, None, 1, "reflect"),
                atol=1e-5,
            )


def test_crops_have_the_areas_the_aspects_and_the_places_that_fit():
    crops = random_resized_crop._crops(4000, tf.constant([1, 2]), 64, 32, 0.08).numpy()
    rows, columns, down, right = crops.T
    assert (crops == np.round(crops)).all()
    assert rows.min() >= 1 and rows.max() <= 64 and columns.min() >= 1 and columns.max() == 32
    assert (np.abs(down) <= 64 - rows).all() and (np.abs(right) <= 32 - columns).all()
    assert {*np.sign(down[rows < 60]), *np.sign(right[columns < 30])} == {-1, 0, 1}
    # A side is off by half a pixel at most.
    area, aspect = rows * columns / (64 * 32), columns / rows
    assert area.min() > 0.07 and area.max() <= 0.7  # 32 columns, and 4/3 as many rows: 2/3
    assert aspect.min() > 0.75 * 0.95 and aspect.max() < 4 / 3 * 1.05
    # Uniform among those that fit: of these the median aspect is 1, for both axes are alike.
    small = area < 0.2
    assert abs(np.median(np.log(aspect[small]))) < 0.03


def test_where_too_few_crops_fit_the_rest_are_whole_images():
    # Of a whole 64x32 image's area no crop of an aspect of up to 4/3 fits.
    crops = random_resized_crop._crops(8, tf.constant([1, 2]), 64, 32, 1.0).numpy()
    np.testing.assert_array_equal(crops, [[64, 32, 0, 0]] * 8)


@pytest.mark.parametrize(
    "rgb, expected",
    [
        # Colours on the hexagon's corners and edges have its hue: 210/360 here.
        ((0.2, 0.5, 0.8), (0.58333333, 0.75, 0.8)),
        ((1.0, 0.0, 0.0), (0.0, 1.0, 1.0)),
        # The angle of (2r - g - b, sqrt(3) (g - b)) = (0.9, 1.2124): 53.413 degrees.
        ((0.9, 0.8, 0.1), (0.14837, 0.88889, 0.9)),
        ((0.3, 0.3, 0.3), (0.0, 0.0, 0.3)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    ],
)
def test_hues_are_angles(rgb, expected):
    np.testing.assert_allclose(hsv.of_rgb(tf.constant(rgb)), expected, atol=1e-5)


def test_a_shift_turns_the_hue_and_multiplies_saturation_and_value():
    colors = RANDOM.uniform(0, 1, [500, 3]).astype(np.float32)
    found = hsv.shift(tf.constant(colors), tf.constant(0.3), tf.constant(1.3), tf.constant(0.7))
    for color, shifted in zip(colors, found.numpy()):
        hue, saturation, value = colorsys.rgb_to_hsv(*color)
        x, y = 2 * color[0] - color[1] - color[2], np.sqrt(3) * (color[1] - color[2])
        hue = np.arctan2(y, x) / (2 * np.pi)
        expected = colorsys.hsv_to_rgb((hue + 0.3) % 1, min(1.3 * saturation, 1), 0.7 * value)
        np.testing.assert_allclose(shifted, expected, atol=2e-5)


@pytest.mark.parametrize("order", [0.25, 0.75])
def test_contrast_comes_before_or_after_the_hue(order):
    numbers = {"contrast": 0.9, "hue": 1.0, "saturation": 0.5, "value": 0.8}
    given = Given(2, order=order, applied=0.79, **numbers)
    found = color_jitter.color_jitter(tf.constant(IMAGES), given, straight_through=False)

    def contrast(x):
        mean = x.mean((1, 2), keepdims=True)
        return np.clip((x - mean) * 1.32 + mean, 0, 1)

    def hue(x):  # 0.1 * 255/360, a factor of 1, and 1 + 0.4 * 0.6
        turned = hsv.shift(tf.constant(x), *map(tf.constant, (0.0708333, 1.0, 1.24)))
        return turned.numpy()

    expected = hue(contrast(IMAGES)) if order < 0.5 else contrast(hue(IMAGES))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    straight = color_jitter.color_jitter(tf.constant(IMAGES), given)
    np.testing.assert_allclose(straight, found, atol=1e-6)


def gradient(change, images, some) -> np.ndarray:
    """Of the sum of the changed images' squares: a number for every pixel."""
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(change(images, some) ** 2)
    return tape.gradient(total, images).numpy()


def test_the_straight_through_step_passes_the_gradient_as_it_is():
    # No contrast, and another hue, saturation and value.
    given = Given(2, applied=0.0, contrast=0.5, order=0.75, hue=0.9, saturation=0.9, value=0.1)
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(color_jitter.color_jitter(images, given))
    np.testing.assert_array_equal(tape.gradient(total, images), np.ones_like(IMAGES))


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "jitter"])
def test_gradients_are_those_of_finite_differences(name):
    numbers = {"contrast": 0.8, "hue": 0.9, "saturation": 0.3, "value": 0.4, "order": 0.2}
    places = {"rows": 5, "columns": 20, "crops": [11, 27, -8, 3], "flip": 0.1}
    given = Given(2, applied=0.0, sigma=0.7, **numbers, **places)
    # Channels far from each other and from 0 and 1: few colours meet a kink within a step.
    random = np.random.default_rng(2)
    channels = random.permuted(np.broadcast_to([0.25, 0.5, 0.75], [2, 32, 32, 3]), axis=3)
    colors = channels + random.uniform(-0.08, 0.08, channels.shape)
    direction = random.choice([-1, 1], channels.shape)

    def total(step):
        images = tf.constant(colors + step * direction, tf.float32)
        return float(tf.reduce_sum(tf.cast(CHANGES[name](images, given), tf.float64) ** 2))

    slope = (total(1e-4) - total(-1e-4)) / 2e-4
    expected = (gradient(CHANGES[name], colors.astype(np.float32), given) * direction).sum()
    np.testing.assert_allclose(slope, expected, rtol=1e-2)


def test_exact_gradients_of_greys_are_finite():
    for grey in (0.0, 0.5, 1.0):
        found = gradient(CHANGES["exact jitter"], np.full([4, 2, 2, 3], grey, np.float32), drawn(4))
        assert np.isfinite(found).all()


# 299/1000 and so on: the luma of ITU-R BT.601. Pure red, green and blue.
def test_greys_have_the_luma_in_all_channels():
    colors = tf.reshape(tf.eye(3), [1, 1, 3, 3])
    found = grayscale.grayscale(colors, Given(1, applied=0.19))
    expected = np.repeat([0.299, 0.587, 0.114], 3).reshape(1, 1, 3, 3)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(grayscale.grayscale(colors, Given(1, applied=0.2)), colors)


def test_a_blur_is_a_gaussian_of_a_tenth_of_the_side():
    sizes = {side: gaussian_blur.kernel_size(side) for side in (16, 32, 64, 128, 256, 512)}
    assert sizes == {16: 1, 32: 3, 64: 7, 128: 13, 256: 25, 512: 51}
    images = RANDOM.uniform(0, 1, [1, 64, 64, 2]).astype(np.float32)
    found = gaussian_blur.gaussian_blur(tf.constant(images), Given(1, applied=0.0, sigma=0.5))
    kernel = np.exp(-0.5 * (np.arange(-3, 4) / 1.05) ** 2)
    expected = images.astype(np.float64)
    for axis in (1, 2):
        # SciPy's "mirror" does not repeat the outermost pixel.
        expected = scipy.ndimage.correlate1d(expected, kernel / kernel.sum(), axis, mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("side, size", [(32, 15), (512, 255), (8, 3), (33, 15)])
def test_a_cutout_is_an_odd_square_about_a_pixel(side, size):
    middle = side // 2
    given = Given(1, applied=0.49, rows=middle, columns=0)
    found = cutout.cutout(tf.ones([1, side, side, 1]), given).numpy()[0, ..., 0]
    expected = np.ones([side, side])
    # Clipped at the left edge, where its middle is.
    expected[middle - size // 2 : middle + size // 2 + 1, : size // 2 + 1] = 0
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "name, share", [("jitter", 0.8), ("grey", 0.2), ("blur", 0.5), ("cutout", 0.5)]
)
def test_some_images_are_changed_and_the_others_not(name, share):
    images = tf.constant(RANDOM.uniform(0, 1, [2000, 20, 20, 3]).astype(np.float32))
    changed = np.abs(CHANGES[name](images, drawn(2000)) - images).max((1, 2, 3)) > 1e-6
    # Three deviations of a mean of 2,000 coins.
    assert abs(changed.mean() - share) < 0.034


@pytest.mark.parametrize("name", CHANGES)
def test_an_image_is_changed_alike_wherever_its_batch_is_computed(name):
    images = tf.constant(RANDOM.uniform(0, 1, [8, 32, 32, 3]).astype(np.float32))
    whole = CHANGES[name](images, drawn(8)).numpy()
    half = CHANGES[name](images[1::2], drawn(8).share(1, 2))
    np.testing.assert_allclose(half, whole[1::2], atol=1e-5)
    assert np.abs(gradient(CHANGES[name], IMAGES, drawn(2))).max() > 0


def test_an_alpha_is_no_colour_and_a_grey_image_has_contrast_alone():
    rgba = np.concatenate([IMAGES, RANDOM.uniform(0, 1, [2, 32, 32, 1])], axis=3)
    rgba = tf.constant(rgba, tf.float32)
    for name in ("jitter", "exact jitter", "grey"):
        some = drawn(2, seed=3)
        found = CHANGES[name](rgba, some)
        np.testing.assert_array_equal(found[..., 3], rgba[..., 3])
        np.testing.assert_array_equal(found[..., :3], CHANGES[name](rgba[..., :3], some))
    for name in ("crop", "blur", "cutout"):
        alpha = CHANGES[name](rgba, drawn(2))[..., 3:]
        np.testing.assert_allclose(alpha, CHANGES[name](rgba[..., 3:], drawn(2)), atol=1e-6)
    grey = tf.constant(IMAGES[..., :1])
    np.testing.assert_array_equal(grayscale.grayscale(grey, drawn(2)), grey)
    found = color_jitter.color_jitter(grey, Given(2, applied=0.0, contrast=0.0))
    mean = IMAGES[..., :1].mean((1, 2), keepdims=True)
    np.testing.assert_allclose(found, (IMAGES[..., :1] - mean) * 0.6 + mean, atol=1e-6)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="images have 2 channels, expected 1, 3 or 4"):
        grayscale.grayscale(tf.zeros([1, 8, 8, 2]), drawn(1))
