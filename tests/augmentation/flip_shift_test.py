"""The flip and shift of consistency regularisation."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation import flip_shift
from dualcontrast.trainer import draws
from tests.augmentation.given import Given

IMAGES = np.random.default_rng(0).uniform(-1, 1, [2, 32, 32, 3]).astype(np.float32)


def drawn(images: int) -> draws.Draws:
    return draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, images)


# The draws 0 ... 8 stand for -4 ... 4, of the source.
@pytest.mark.parametrize("rows, columns, flip", [(0, 8, 0.5), (4, 4, 0.49), (7, 2, 0.0)])
def test_images_move_by_whole_pixels_and_are_reflected_about_their_edges(rows, columns, flip):
    found = flip_shift.flip_shift(
        tf.constant(IMAGES), Given(2, rows=rows, columns=columns, flip=flip)
    )
    framed = np.pad(IMAGES, [(0, 0), (4, 4), (4, 4), (0, 0)], "symmetric")
    expected = framed[:, rows : rows + 32, columns : columns + 32]
    np.testing.assert_array_equal(found, expected[:, :, ::-1] if flip < 0.5 else expected)


def test_a_shift_by_the_whole_side_leaves_a_mirrored_image():
    given = Given(2, rows=0, columns=32, flip=0.9)
    found = flip_shift.flip_shift(tf.constant(IMAGES), given, shift=1.0)
    np.testing.assert_array_equal(found, IMAGES[:, ::-1])


def test_shifts_reach_an_eighth_of_the_side_and_half_the_images_are_mirrored():
    ramps = np.arange(32, dtype=np.float32) * np.ones([2000, 32, 32], np.float32)
    found = flip_shift.flip_shift(tf.constant(ramps[..., None]), drawn(2000)).numpy()
    row = found[:, 16, :, 0]
    mirrored = row[:, 12] > row[:, 20]
    assert abs(mirrored.mean() - 0.5) < 0.034  # three deviations
    shifts = row[~mirrored, 16] - 16
    assert sorted(set(shifts)) == list(range(-4, 5))


def test_a_half_of_a_batch_is_changed_as_in_the_whole_and_has_a_gradient():
    images = tf.constant(np.random.default_rng(1).uniform(-1, 1, [8, 8, 8, 1]).astype(np.float32))
    whole = flip_shift.flip_shift(images, drawn(8)).numpy()
    with tf.GradientTape() as tape:
        tape.watch(images)
        half = flip_shift.flip_shift(images[1::2], drawn(8).share(1, 2))
        total = tf.reduce_sum(half)
    np.testing.assert_array_equal(half, whole[1::2])
    # Every pixel of the result is one of the images.
    assert tape.gradient(total, images).numpy().sum() == 4 * 64
