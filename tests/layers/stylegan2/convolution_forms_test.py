"""Winograd's forms in whole networks: the regularisers' gradients stay those of direct float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import implementation, library
from dualcontrast.layers.stylegan2 import discriminator, generator
from dualcontrast.losses import path_length, r1

WIDTHS = {"fmap_base": 512, "fmap_max": 32}


@pytest.fixture(name="engine", autouse=True)
def _engine():
    ops = library.load()
    if ops is None or ops.engine is None:
        pytest.skip("no compiled convolutions here")


def r1_gradient(seed):
    keras.utils.set_random_seed(seed)
    network = discriminator.Discriminator(16, **WIDTHS)
    network.build()
    images = tf.random.stateless_normal([4, 16, 16, 3], [0, seed])
    with tf.GradientTape() as tape:
        penalty = tf.reduce_mean(r1.r1_penalty(network, images))
    variables = [v.value for v in network.trainable_variables]
    return tape.gradient(penalty, variables, unconnected_gradients="zero")


def path_length_gradient(seed):
    keras.utils.set_random_seed(seed)
    network = generator.Generator(16, latent_size=16, w_size=16, mapping_layers=1, **WIDTHS)
    network.build()
    w = network.broadcast(tf.random.stateless_normal([4, 16], [0, seed]))
    noise = [tf.zeros([4, side, side, 1]) for side in network.noise_sides]
    directions = tf.random.stateless_normal([4, 16, 16, 3], [1, seed])
    with tf.GradientTape() as tape:
        lengths = path_length.path_lengths(
            lambda w: network.synthesis(w, noise=noise), w, directions
        )
        penalty = tf.reduce_mean(path_length.path_length_penalty(lengths, 0.1))
    variables = [v.value for v in network.synthesis.trainable_variables]
    return tape.gradient(penalty, variables, unconnected_gradients="zero")


def distance(gradient, seed):
    """Between the gradients with Winograd's forms and without, as a share of their length."""
    whole = []
    for impl in ("cpu", "ref"):
        with implementation.using(impl):
            parts = [np.ravel(part) for part in gradient(seed)]
        whole.append(np.concatenate(parts).astype(np.float64))
    one, other = whole
    return np.linalg.norm(one - other) / np.linalg.norm(other)


@pytest.mark.parametrize("gradient", [r1_gradient, path_length_gradient])
def test_gradients_of_second_order_are_those_of_direct_float32(gradient):
    # Now and then rounding moves a leaky ReLU's input over zero, in TensorFlow's convolutions too,
    # and the gradient jumps: hence the median.
    distances = [distance(gradient, seed) for seed in range(3)]
    assert 0 < np.median(distances) < 1e-4, distances
