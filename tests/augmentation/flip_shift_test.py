"""The flip and the shift: which pixel comes from where, by the numbers drawn."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation import flip_shift
from dualcontrast.trainer import draws
from tests.augmentation.given import Given

IMAGES = np.random.default_rng(0).uniform(-1, 1, [2, 32, 16, 3]).astype(np.float32)


def drawn(images: int) -> draws.Draws:
    return draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, images)


# Of 32 rows the draws 0 ... 8 stand for -4 ... 4, of the source; of 16 columns 4 for 2.
@pytest.mark.parametrize("rows, columns, flip", [(0, 4, 0.5), (4, 2, 0.5), (7, 1, 0.4)])
def test_an_image_is_moved_over_its_reflections(rows, columns, flip):
    given = Given(2, rows=rows, columns=columns, flip=flip)
    found = flip_shift.flip_shift(tf.constant(IMAGES), given)
    framed = np.pad(IMAGES, [(0, 0), (4, 4), (2, 2), (0, 0)], mode="symmetric")
    expected = framed[:, rows : rows + 32, columns : columns + 16]
    if flip < 0.5:  # of the image that is then moved against the shift
        expected = np.pad(IMAGES[:, :, ::-1], [(0, 0), (4, 4), (2, 2), (0, 0)], mode="symmetric")
        expected = expected[:, rows : rows + 32, columns : columns + 16]
    np.testing.assert_array_equal(found, expected)


def test_shifts_reach_the_share_of_the_side_that_was_asked_for():
    ramp = tf.tile(tf.range(32.0)[None, :, None, None], [500, 1, 32, 1])
    for share, reach in ((0.125, 4), (1 / 32, 1), (0.0, 0)):
        found = flip_shift.flip_shift(ramp, drawn(500), shift=share).numpy()[:, 16, 0, 0]
        assert (found.min(), found.max()) == (16 - reach, 16 + reach)


def test_half_of_the_images_are_flipped():
    ramp = tf.tile(tf.range(32.0)[None, None, :, None], [2000, 1, 1, 1])
    found = flip_shift.flip_shift(ramp, drawn(2000)).numpy()[:, 0, :, 0]
    assert np.mean(found[:, 8] > found[:, 24]) == pytest.approx(0.5, abs=0.04)


def test_an_image_is_changed_alike_wherever_its_batch_is_computed():
    images = tf.constant(np.random.default_rng(1).uniform(-1, 1, [8, 8, 8, 3]).astype(np.float32))
    whole = flip_shift.flip_shift(images, drawn(8)).numpy()
    half = flip_shift.flip_shift(images[1::2], drawn(8).share(1, 2))
    np.testing.assert_array_equal(half, whole[1::2])
