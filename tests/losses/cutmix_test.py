"""The loss of mixed images, by hand."""

import numpy as np
import tensorflow as tf

from dualcontrast.losses import cutmix


def test_the_image_is_fake_and_each_pixel_what_the_mask_says():
    # ln(1 + e^2) = 2.126928; of pixels ln(1 + e^-1), ln(1 + e^3), ln(1 + e^-2), ln 2 =
    # 0.313262, 3.048587, 0.126928, 0.693147, of which the mean is 1.045481.
    pixels = tf.constant([[[1.0, 3.0], [-2.0, 0.0]]])
    mask = tf.constant([[[1.0, 0.0], [0.0, 1.0]]])
    of_image, of_pixels = cutmix.classification(tf.constant([2.0]), pixels, mask)
    np.testing.assert_allclose(of_image, [2.126928], rtol=1e-6)
    np.testing.assert_allclose(of_pixels, [1.045481], rtol=1e-6)


def test_consistency_is_the_mean_square_and_its_gradient_goes_both_ways():
    one, other = tf.constant([[[1.0, 3.0]]]), tf.constant([[[2.0, 0.0]]])
    with tf.GradientTape() as tape:
        tape.watch([one, other])
        found = cutmix.consistency(one, other)
    np.testing.assert_allclose(found, [(1 + 9) / 2])
    slopes = tape.gradient(found, [one, other])
    np.testing.assert_allclose(slopes, [[[[-1, 3]]], [[[1, -3]]]])
