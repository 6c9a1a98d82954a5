"""What the generator adds to its two networks: mixing, truncation, the mean of w."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import generator


@pytest.fixture(name="network")
def _network():
    keras.utils.set_random_seed(5)
    network = generator.Generator(
        8, latent_size=6, w_size=4, mapping_layers=2, fmap_base=32, fmap_max=6
    )
    network.build()
    network.w_mean.assign([0.1, 0.2, 0.3, 0.4])
    return network


def _z(batch: int = 3) -> tf.Tensor:
    return tf.random.stateless_normal([batch, 6], [0, 1])


def test_an_image_is_synthesised_from_one_w_for_all_layers(network):
    w = network.mapping(_z())
    broadcast = network.broadcast(w)
    np.testing.assert_array_equal(broadcast, np.repeat(w.numpy()[:, None], 4, axis=1))
    np.testing.assert_allclose(network(_z()), network.synthesis(broadcast), atol=1e-5)


def test_truncation_by_1_changes_nothing(network):
    w = network.broadcast(network.mapping(_z()))
    np.testing.assert_allclose(network.truncate(w, 1.0), w, atol=1e-6)
    np.testing.assert_array_equal(network(_z(), truncation_psi=1.0), network(_z()))


def test_truncation_by_0_gives_one_image(network):
    images = network(_z(), truncation_psi=0.0).numpy()
    np.testing.assert_allclose(images[1:], images[:-1], atol=1e-5)
    mean = network.broadcast(network.w_mean.value[None])
    np.testing.assert_allclose(images[:1], network.synthesis(mean), atol=1e-5)
    assert np.std(network(_z()), axis=0).max() > 0.01


def test_truncation_by_a_half_meets_the_mean_half_way(network):
    w = network.broadcast(network.mapping(_z()))
    halfway = (w + network.w_mean.value) / 2
    np.testing.assert_allclose(network.truncate(w, 0.5), halfway, atol=1e-6)
    psi = tf.constant(0.5)
    np.testing.assert_allclose(network.truncate(w, psi), halfway, atol=1e-6)


def test_styles_are_mixed_from_the_cutoff_on(network):
    w, other = tf.zeros([5, 4, 4]), tf.ones([5, 4, 4])
    mixed = network.mix_styles(w, other, tf.constant([0, 1, 2, 3, 4]))
    expected = [[1, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    np.testing.assert_array_equal(mixed[..., 0], expected)
    np.testing.assert_array_equal(mixed, np.repeat(mixed[..., :1], 4, axis=-1))


def test_the_mean_of_w_approaches_a_constant_batch_geometrically(network):
    network.w_mean.assign(tf.zeros(4))
    w = tf.constant([[1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.0, 0.0]])
    for _ in range(20):
        network.track_w(w)
    np.testing.assert_allclose(network.w_mean, 2 * (1 - 0.995**20) * np.ones(4), rtol=1e-5)


def test_the_decay_of_the_mean_is_the_configured_one():
    network = generator.Generator(
        8, latent_size=6, w_size=4, fmap_base=32, fmap_max=6, w_mean_decay=0.75
    )
    network.build()
    network.track_w(tf.ones([2, 4]))
    np.testing.assert_allclose(network.w_mean, 0.25 * np.ones(4))


def test_the_mean_of_w_is_saved_but_not_trained(network):
    assert "w_mean" in [v.name for v in network.non_trainable_variables]
    assert "w_mean" not in [v.name for v in network.trainable_variables]


def test_a_call_does_not_move_the_mean(network):
    before = network.w_mean.numpy()
    network(_z(), training=True)
    np.testing.assert_array_equal(network.w_mean, before)


def test_given_noise_reaches_the_image(network):
    for layer in network.synthesis.layers:
        layer.strength.assign(0.5)
    sides = network.synthesis.noise_sides
    noise = [tf.random.stateless_normal([3, s, s, 1], [0, s]) for s in sides]
    assert not np.allclose(network(_z(), noise=noise), network(_z()))
    np.testing.assert_array_equal(network(_z(), noise=noise), network(_z(), noise=noise))


def test_mixed_precision_does_not_round_z():
    # bfloat16 takes 1 + 2^-10 for 1. The weights alternate, so that ones cancel and these do not.
    network = generator.Generator(
        8, 3, 4, w_size=4, mapping_layers=1, fmap_base=32, fmap_max=6, dtype="mixed_bfloat16"
    )
    network.build()
    alternating = np.array([1.0, -1.0, 1.0, -1.0])
    network.mapping.dense[0].kernel.assign(2e5 * np.outer(alternating, np.ones(4)))
    ones = np.ones([1, 4], np.float32)
    nearly = ones + np.float32(2.0**-10) * (alternating > 0)
    assert not np.allclose(network(tf.cast(nearly, tf.float32)), network(ones), atol=0.01)
