"""CutMix's boxes: against a program with loops, and in numbers."""

import math

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.augmentation import cutmix
from dualcontrast.trainer import draws


def of_batch(count=256, seed=0):
    return draws.Draws(seed, 0, draws.Purpose.DISCRIMINATOR, count)


@pytest.mark.parametrize("side", [8, 15])
def test_masks_are_those_of_the_program(side):
    drawn = of_batch(64)
    share, inverted = drawn.uniform("share").numpy(), drawn.uniform("inverted").numpy()
    rows, columns = (drawn.integers(name, side).numpy() for name in ("row", "column"))
    found = cutmix.masks(side, drawn).numpy()
    for k in range(64):
        length = int(np.float32(side) * np.sqrt(np.float32(1) - share[k]))
        expected = np.ones([side, side])
        low = [max(0, middle - length // 2) for middle in (rows[k], columns[k])]
        high = [min(side, middle + length // 2) for middle in (rows[k], columns[k])]
        expected[low[0] : high[0], low[1] : high[1]] = 0
        if inverted[k] < 0.5:
            expected = 1 - expected
        np.testing.assert_array_equal(found[k], expected)


def test_one_half_of_all_pixels_is_kept_and_some_boxes_are_cut_by_the_edge():
    found = cutmix.masks(16, of_batch(4096)).numpy()
    assert set(np.unique(found)) == {0, 1}
    # Masks are independent of each other, and a share's deviation is at most 1/2.
    assert found.mean() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(4096))
    assert len({mask.tobytes() for mask in found}) > 500


def test_a_share_of_the_batch_has_its_own_masks():
    whole = cutmix.masks(8, of_batch(8)).numpy()
    np.testing.assert_array_equal(cutmix.masks(8, of_batch(8).share(1, 2)), whole[1::2])


def test_mixed_are_images_and_maps_without_channels():
    mask = tf.constant([[[1.0, 0.0], [0.0, 1.0]]])
    one, other = tf.ones([1, 2, 2]), -tf.ones([1, 2, 2])
    np.testing.assert_array_equal(cutmix.mixed(one, other, mask), [[[1, -1], [-1, 1]]])
    images = cutmix.mixed(tf.ones([1, 2, 2, 3]), -tf.ones([1, 2, 2, 3]), mask)
    np.testing.assert_array_equal(images, np.repeat([[[[1], [-1]], [[-1], [1]]]], 3, axis=-1))
