"""R1 of discriminators whose gradient is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import discriminator
from dualcontrast.losses import r1

IMAGES = tf.random.stateless_normal([3, 4, 4, 2], [0, 1])


def test_a_linear_discriminator_pays_its_squared_slope_for_every_image():
    slope = tf.random.stateless_normal([4, 4, 2], [0, 2])
    penalty = r1.r1_penalty(lambda x: tf.reduce_sum(x * slope, [1, 2, 3]) + 7, IMAGES)
    assert penalty.dtype == tf.float32 and penalty.shape == (3,)
    np.testing.assert_allclose(penalty, np.sum(slope**2) * np.ones(3), rtol=1e-6)


def test_a_quadratic_discriminator_pays_at_each_image_its_own():
    # D(x) = |x|^2 / 2 has the gradient x.
    penalty = r1.r1_penalty(lambda x: tf.reduce_sum(x**2, [1, 2, 3]) / 2, IMAGES)
    np.testing.assert_allclose(penalty, np.sum(IMAGES**2, axis=(1, 2, 3)), rtol=1e-6)


def test_the_penalty_teaches_the_discriminator():
    scale = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        penalty = r1.r1_penalty(lambda x: scale * tf.reduce_sum(x, [1, 2, 3]), IMAGES)
    # scale^2 * 32 pixels, of which the derivative is 64 * scale, three times.
    np.testing.assert_allclose(penalty, 288 * np.ones(3), rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(penalty, scale), 3 * 64 * 3, rtol=1e-6)


def test_nothing_flows_into_the_images():
    with tf.GradientTape() as tape:
        penalty = r1.r1_penalty(lambda x: tf.reduce_sum(x, [1, 2, 3]), IMAGES)
    assert tape.gradient(penalty, IMAGES) is None


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("mixed_bfloat16", 0.1)])
def test_the_penalty_is_the_norm_of_differences_of_the_network(dtype, tolerance):
    keras.utils.set_random_seed(0)
    network = discriminator.Discriminator(8, fmap_base=32, fmap_max=6, dtype="float32")
    network.build()
    reference = discriminator.Discriminator(8, fmap_base=32, fmap_max=6, dtype=dtype)
    reference.build()
    reference.set_weights(network.get_weights())
    images = tf.random.stateless_normal([2, 8, 8, 3], [0, 3])
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = network(images)
    expected = tf.reduce_sum(tape.gradient(logits, images) ** 2, [1, 2, 3])
    np.testing.assert_allclose(r1.r1_penalty(reference, images), expected, rtol=tolerance)
