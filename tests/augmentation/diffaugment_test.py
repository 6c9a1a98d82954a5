"""DiffAugment: what each of its three changes does to an image, by the numbers drawn."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation.diffaugment import color, cutout, translation
from dualcontrast.trainer import draws
from tests.augmentation.given import Given

IMAGES = np.random.default_rng(0).uniform(-1, 1, [2, 32, 32, 3]).astype(np.float32)


def drawn(images: int, seed: int = 0) -> draws.Draws:
    return draws.Draws(seed, 0, draws.Purpose.DISCRIMINATOR, images)


def test_colours_change_by_brightness_then_saturation_then_contrast():
    found = color.color(
        tf.constant(IMAGES), Given(2, brightness=0.75, saturation=0.25, contrast=0.9)
    )
    x = IMAGES + 0.25
    grey = x.mean(3, keepdims=True)
    x = (x - grey) * 0.5 + grey
    mean = x.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, (x - mean) * 1.4 + mean, atol=1e-5)


def test_an_alpha_is_no_colour():
    rgba = tf.concat([IMAGES, IMAGES[..., :1]], axis=3)
    found = color.color(rgba, drawn(2))
    np.testing.assert_array_equal(found[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(found[..., :3], color.color(rgba[..., :3], drawn(2)))


@pytest.mark.parametrize("rows, columns", [(0, 8), (4, 4), (7, 2)])
def test_a_translation_moves_by_whole_pixels_and_fills_with_zeros(rows, columns):
    found = translation.translation(tf.constant(IMAGES), Given(2, rows=rows, columns=columns))
    # The draws 0 ... 8 stand for -4 ... 4, of the source.
    framed = np.pad(IMAGES, [(0, 0), (4, 4), (4, 4), (0, 0)])
    expected = framed[:, rows : rows + 32, columns : columns + 32]
    np.testing.assert_array_equal(found, expected)


def test_translations_reach_an_eighth_of_the_side_and_no_further():
    found = translation.translation(tf.ones([2000, 32, 32, 1]), drawn(2000)).numpy()[..., 0]
    missing = 32 - np.stack([found.max(2).sum(1), found.max(1).sum(1)])
    assert missing.max(1).tolist() == [4, 4] and missing.min(1).tolist() == [0, 0]


# An even window of 16 about 0 ... 32, an odd one of 17 about 0 ... 32.
@pytest.mark.parametrize("side, least, most", [(32, 64, 256), (33, 81, 289)])
def test_a_cutout_is_a_square_of_half_the_side_of_which_a_quarter_is_inside(side, least, most):
    found = cutout.cutout(tf.ones([4000, side, side, 1]), drawn(4000)).numpy()
    areas = (found == 0).sum((1, 2, 3))
    assert (areas.min(), areas.max()) == (least, most)
    assert set(np.unique(found)) == {0, 1}


@pytest.mark.parametrize("change", [color.color, translation.translation, cutout.cutout])
def test_a_gradient_reaches_the_images(change):
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(change(images, drawn(2)))
    assert np.abs(tape.gradient(total, images)).max() > 0


def test_an_image_is_changed_alike_wherever_its_batch_is_computed():
    images = tf.constant(np.random.default_rng(1).uniform(-1, 1, [8, 8, 8, 3]).astype(np.float32))
    for change in (color.color, translation.translation, cutout.cutout):
        whole = change(images, drawn(8)).numpy()
        half = change(images[1::2], drawn(8).share(1, 2))
        np.testing.assert_allclose(half, whole[1::2], atol=1e-6)


def test_images_of_two_names_are_changed_each_in_its_own_way():
    images, some = tf.constant(IMAGES), drawn(2)
    reals, fakes = (color.color(images, some.named(name)) for name in ("reals", "fakes"))
    assert np.abs(reals - fakes).max() > 0.01
    again = color.color(images, drawn(2).named("reals"))
    np.testing.assert_array_equal(reals, again)
