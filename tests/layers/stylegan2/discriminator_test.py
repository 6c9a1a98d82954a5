"""The discriminator: its blocks, its tail, and what may and may not touch a logit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan2 import discriminator, discriminator_block


@pytest.fixture(name="network")
def _network():
    keras.utils.set_random_seed(6)
    network = discriminator.Discriminator(16, fmap_base=64, fmap_max=8)
    network.build()
    return network


def _images(batch: int = 8) -> tf.Tensor:
    return tf.random.stateless_normal([batch, 16, 16, 3], [0, 1])


def test_a_block_is_the_scaled_sum_of_its_two_paths():
    keras.utils.set_random_seed(6)
    block = discriminator_block.DiscriminatorBlock(5)
    x = tf.random.stateless_normal([2, 8, 8, 3], [0, 1])
    y = block(x)
    np.testing.assert_allclose(
        y, (block.down(block.same(x)) + block.skip(x)) / 2**0.5, rtol=1e-5, atol=1e-6
    )
    # Convolutions 3 -> 3 and 3 -> 5 with biases, 1x1 skip without.
    sizes = [v.shape for v in block.trainable_variables]
    assert sizes == [(3, 3, 3, 3), (3,), (3, 3, 3, 5), (5,), (1, 1, 3, 5)]
    assert block.skip.activation.name == "linear"
    assert block.same.activation.name == block.down.activation.name == "leaky_relu"


def test_the_network_is_its_parts_in_order_flattened_height_width_channels(network):
    x = network.from_rgb(_images())
    for block in network.blocks:
        x = block(x)
    x = network.last_conv(network.minibatch_stddev(x))
    assert x.shape == (8, 4, 4, 8)
    kernel = network.last_dense.kernel.value / 128**0.5
    x = tf.einsum("nhwc,hwcu->nu", x, tf.reshape(kernel, [4, 4, 8, 8]))
    logits = network.logit(tf.nn.leaky_relu(x, 0.2) * 2**0.5)
    assert logits.shape == (8, 1)
    np.testing.assert_allclose(network(_images()), logits[:, 0], rtol=1e-4, atol=1e-6)


def test_the_logit_is_linear_and_the_layers_before_it_are_not(network):
    assert network.logit.activation.name == "linear"
    for layer in (network.from_rgb, network.last_conv, network.last_dense):
        assert layer.activation.name == "leaky_relu"
    network.logit.bias.assign([10.0])
    network.logit.kernel.assign(tf.zeros([8, 1]))
    np.testing.assert_allclose(network(_images()), 10)


def test_a_logit_depends_on_the_samples_of_its_group_only(network):
    # 8 samples in groups of 4: {0, 2, 4, 6} and {1, 3, 5, 7}.
    images = _images()
    with tf.GradientTape() as tape:
        tape.watch(images)
        logit = network(images)[0]
    touched = np.abs(tape.gradient(logit, images)).max(axis=(1, 2, 3))
    assert (touched > 0).tolist() == [True, False] * 4


def test_reordering_groups_or_samples_within_a_group_reorders_the_logits(network):
    logits = network(_images())
    for order in ([1, 0, 3, 2, 5, 4, 7, 6], [4, 1, 0, 7, 6, 3, 2, 5]):
        np.testing.assert_allclose(
            network(tf.gather(_images(), order)), tf.gather(logits, order), atol=1e-5
        )
    # Sample 0 into the other group: its logit changes.
    moved = network(tf.gather(_images(), [1, 0, 2, 3, 4, 5, 6, 7]))
    assert not np.allclose(moved[1], logits[0], atol=1e-5)


def test_the_group_is_the_configured_one():
    keras.utils.set_random_seed(6)
    lonely = discriminator.Discriminator(16, fmap_base=64, fmap_max=8, minibatch_stddev_group=1)
    np.testing.assert_allclose(lonely(_images())[:3], lonely(_images()[:3]), atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_logits_are_float32(dtype):
    network = discriminator.Discriminator(16, fmap_base=64, fmap_max=8, dtype=dtype)
    logits = network(_images())
    assert logits.dtype == tf.float32
    # Logits that had passed through bfloat16 would survive the rounding.
    rounded = tf.cast(tf.cast(logits, tf.bfloat16), tf.float32)
    assert not np.array_equal(rounded, logits)


def test_a_change_between_fixed_images_is_felt_at_every_pixel(network):
    images = _images(4)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(network(images))
    assert np.all(np.abs(tape.gradient(total, images)).max(axis=-1) > 0)
