"""Path length of synthesis networks whose Jacobian is known."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import synthesis_network
from dualcontrast.losses import path_length

LAYERS, WIDTH, SIDE, CHANNELS = 3, 5, 4, 2
# One matrix a layer, from w to the flattened image.
MATRICES = tf.random.stateless_normal([LAYERS, SIDE * SIDE * CHANNELS, WIDTH], [0, 1])


def _linear(w):
    flat = tf.einsum("lpc,nlc->np", MATRICES, w)
    return tf.reshape(flat, [-1, SIDE, SIDE, CHANNELS])


def _directions(batch: int) -> tf.Tensor:
    return tf.random.stateless_normal([batch, SIDE, SIDE, CHANNELS], [0, 2])


def test_a_linear_synthesis_has_the_length_of_its_projected_matrices():
    # sqrt(mean over layers of |A_l^T y|^2 / (height * width)).
    w, y = tf.random.stateless_normal([4, LAYERS, WIDTH], [0, 3]), _directions(4)
    lengths = path_length.path_lengths(_linear, w, y)
    projected = np.einsum("lpc,np->nlc", MATRICES, np.reshape(y, [4, -1])) / SIDE
    expected = np.sqrt(np.mean(np.sum(projected**2, axis=2), axis=1))
    assert lengths.shape == (4,) and lengths.dtype == tf.float32
    np.testing.assert_allclose(lengths, expected, rtol=1e-5)


def test_the_mean_squared_length_is_the_energy_of_the_jacobian():
    count = 4096
    w = tf.zeros([count, LAYERS, WIDTH])
    lengths = path_length.path_lengths(_linear, w, _directions(count))
    expected = np.sum(MATRICES**2) / (LAYERS * SIDE * SIDE)
    # |A^T y|^2 of 5 features in 3 layers scatters by about half its mean: 0.8 % of 4096.
    np.testing.assert_allclose(np.mean(lengths**2), expected, rtol=0.03)


def test_lengths_teach_the_synthesis():
    scale = tf.Variable(2.0)
    w, y = tf.ones([2, LAYERS, WIDTH]), _directions(2)
    with tf.GradientTape() as tape:
        lengths = path_length.path_lengths(lambda w: scale * _linear(w), w, y)
    # Lengths are proportional to the scale.
    np.testing.assert_allclose(tape.gradient(lengths, scale), np.sum(lengths) / 2, rtol=1e-5)


def test_a_constant_length_is_approached_by_a_hundredth_a_time():
    mean, lengths = tf.constant(0.0), tf.constant([3.0, 3.0])
    for step in range(1, 31):
        mean = path_length.track_mean(mean, lengths)
        np.testing.assert_allclose(mean, 3 * (1 - 0.99**step), rtol=1e-5)


def test_the_first_penalty_is_0_9801_of_the_squared_length():
    lengths = tf.constant([3.0, 3.0])
    mean = path_length.track_mean(tf.constant(0.0), lengths)
    penalty = path_length.path_length_penalty(lengths, mean)
    np.testing.assert_allclose(penalty, 0.9801 * 9 * np.ones(2), rtol=1e-6)


def test_the_gradient_flows_through_the_new_share_of_the_mean():
    # d (0.99 a)^2 / da = 2 * 0.9801 a, where a mean held fixed would give 2 * 0.99 a.
    length = tf.constant([3.0])
    with tf.GradientTape() as tape:
        tape.watch(length)
        mean = path_length.track_mean(tf.constant(0.0), length)
        penalty = tf.reduce_mean(path_length.path_length_penalty(length, mean))
    np.testing.assert_allclose(tape.gradient(penalty, length), [2 * 0.9801 * 3], rtol=1e-6)


def test_the_decay_is_the_share_of_the_new_batch():
    mean = path_length.track_mean(tf.constant(1.0), tf.constant([2.0, 4.0]), decay=0.25)
    assert float(mean) == pytest.approx(1.5)


def test_samples_do_not_touch_each_other():
    network = synthesis_network.SynthesisNetwork(8, fmap_base=32, fmap_max=6)
    w = tf.random.stateless_normal([3, 4, WIDTH], [0, 4])
    y = tf.random.stateless_normal([3, 8, 8, 3], [0, 5])
    lengths = path_length.path_lengths(network, w, y)
    alone = path_length.path_lengths(network, w[1:2], y[1:2])
    assert np.all(lengths > 0)
    np.testing.assert_allclose(alone, lengths[1:2], rtol=1e-4)
