"""The mapping network: normalised latents in, unit-sized w out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import mapping_network


def _latents(count: int, size: int) -> tf.Tensor:
    return tf.random.stateless_normal([count, size], [0, 1])


def test_the_length_of_z_means_nothing():
    keras.utils.set_random_seed(0)
    layer = mapping_network.MappingNetwork(16, 2)
    z = _latents(4, 8)
    np.testing.assert_allclose(layer(z), layer(z * 7), rtol=1e-4, atol=1e-6)


def test_one_layer_is_the_one_derived_by_hand():
    # z = (3, 4) is divided by sqrt((9 + 16) / 2); the weights by 100 * sqrt(2).
    layer = mapping_network.MappingNetwork(2, 1, 0.01)
    layer.build((None, 2))
    layer.dense[0].kernel.assign([[100.0, -100.0], [0.0, 0.0]])
    layer.dense[0].bias.assign([0.0, 100.0])
    x = 3 / np.sqrt(12.5)
    expected = [[2**0.5 * x / 2**0.5, 2**0.5 * (1 - x / 2**0.5)]]
    np.testing.assert_allclose(layer(tf.constant([[3.0, 4.0]])), expected, rtol=1e-6)


def test_the_size_of_w_grows_by_1_04_a_layer_at_first():
    # 1.04^8 = 1.369; StyleGAN2's own had 1.33 +- 0.16 over 12 draws.
    z, found = _latents(256, 512), []
    for seed in range(8):
        keras.utils.set_random_seed(seed)
        found.append(np.mean(mapping_network.MappingNetwork()(z) ** 2))
    assert np.mean(found) == pytest.approx(1.369, abs=0.15)
    assert 0.8 < min(found) and max(found) < 1.9


def test_the_multiplier_is_100_in_the_variables_and_1_100_in_use():
    keras.utils.set_random_seed(0)
    slow = mapping_network.MappingNetwork(64, 3)
    fast = mapping_network.MappingNetwork(64, 3, learning_rate_multiplier=1.0)
    z = _latents(4, 32)
    slow(z), fast(z)
    for a, b in zip(slow.dense, fast.dense):
        assert np.std(a.kernel.numpy()) == pytest.approx(100, rel=0.05)
        b.kernel.assign(a.kernel.value / 100)
    np.testing.assert_allclose(slow(z), fast(z), rtol=1e-5, atol=1e-6)


def test_mixed_precision_leaves_the_mapping_in_float32():
    full = mapping_network.MappingNetwork(16, 2)
    mixed = mapping_network.MappingNetwork(16, 2, dtype="mixed_bfloat16")
    z = _latents(4, 8)
    full(z), mixed(z)
    mixed.set_weights(full.get_weights())
    assert mixed(z).dtype == tf.float32
    np.testing.assert_array_equal(mixed(z), full(z))


def test_without_layers_labels_are_mapped_to_their_normalised_embedding():
    layer = mapping_network.MappingNetwork(5, 0, classes=3)
    with pytest.raises(ValueError, match="layers must be >= 1 where there is z"):
        layer.build((None, 4))
    layer.build((None, 0))
    found = layer(None, tf.constant([2, 0]))
    embedded = tf.gather(layer.embedding.kernel, [2, 0]) * 3**-0.5 + layer.embedding.bias
    scale = tf.math.rsqrt(tf.reduce_mean(embedded**2, axis=-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(found, embedded * scale, rtol=1e-5)
