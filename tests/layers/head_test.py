"""ContraD's heads, on the trunks of its three architectures."""

import math

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.layers.head import Head
from dualcontrast.layers.sngan import basic_block
from dualcontrast.layers.sngan.dcgan_discriminator import DCGANDiscriminator
from dualcontrast.layers.sngan.resnet18_discriminator import ResNet18Discriminator
from dualcontrast.layers.stylegan2.discriminator import Discriminator

IMAGES = np.random.default_rng(0).normal(size=[4, 16, 16, 3]).astype(np.float32)
NARROW = {
    "dcgan": lambda **heads: DCGANDiscriminator(16, width=2, **heads),
    "resnet18": lambda **heads: ResNet18Discriminator(16, width=2, **heads),
    "stylegan2": lambda **heads: Discriminator(16, fmap_base=64, fmap_max=8, **heads),
}


def size(layer) -> int:
    return sum(math.prod(v.shape) for v in layer.trainable_variables)


@pytest.mark.parametrize(
    "network, trunk, heads",
    [
        (DCGANDiscriminator(32, head_width=512, projection_size=128), 5_852_672, 8192),
        (ResNet18Discriminator(32, head_width=1024, projection_size=128), 11_164_032, 512),
        (
            Discriminator(32, fmap_base=2048, head_width=512, projection_size=128),
            9_723_520,
            8192,
        ),
        (
            Discriminator(512, fmap_base=8192, head_width=512, projection_size=128),
            19_835_424,
            8192,
        ),
    ],
    ids=[*NARROW, "stylegan2 at 512"],
)
def test_trunks_and_heads_have_the_published_sizes(network, trunk, heads):
    network.build()
    found = [size(network.logit), *map(size, network.projections)]
    # (8192 + 1) 512 + 513 and (8192 + 1) 512 + 513 * 128; (512 + 1) 1024 + 1025 and so on.
    expected = {8192: (4_195_329, 4_260_480), 512: (526_337, 656_512)}[heads]
    assert found == [expected[0], expected[1], expected[1]]
    assert size(network) - sum(found) == trunk


@pytest.mark.parametrize("make", NARROW.values(), ids=NARROW)
def test_logits_and_projections_are_of_the_same_features(make):
    network = make(head_width=6, projection_size=5)
    logits = network(IMAGES)
    outputs = network.outputs(networks.Batch(tf.constant(IMAGES)))
    np.testing.assert_allclose(outputs.logits, logits, rtol=1e-5)
    np.testing.assert_allclose(network.logits_of(outputs.features), logits, rtol=1e-5)
    for projection in network.projections:
        assert projection(outputs.features).shape == [4, 5]
    again = type(network).from_config(network.get_config())
    again.build()
    again.set_weights(network.get_weights())
    np.testing.assert_allclose(again(IMAGES), logits, rtol=1e-5)


@pytest.mark.parametrize("make", NARROW.values(), ids=NARROW)
def test_projections_need_a_hidden_layer(make):
    with pytest.raises(ValueError, match="projection_size=5 needs a head_width"):
        make(projection_size=5)


@pytest.mark.parametrize("normalised", [False, True])
def test_a_head_with_classes_adds_the_product_with_the_labels_row(normalised):
    head = Head(1, hidden=3, normalised=normalised, classes=4)
    features = tf.constant(np.random.default_rng(1).normal(size=[2, 5]), tf.float32)
    found = head(features, tf.constant([3, 1]))

    def matrix(layer):
        if not normalised:
            return layer.kernel.numpy()
        return layer.layer.kernel.numpy() / layer.spectral_norm().numpy()

    x = (
        features.numpy() @ matrix(head.first)
        + (head.first.layer if normalised else head.first).bias.numpy()
    )
    x = np.where(x > 0, x, 0.1 * x)
    bias = (head.second.layer if normalised else head.second).bias.numpy()
    rows = matrix(head.embedding)[[3, 1]]
    expected = x @ matrix(head.second) + bias + (x * rows).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_first_weights_are_uniform_within_the_root_of_the_inputs_or_normal():
    uniform, normal = Head(40, hidden=100), Head(40, hidden=100, deviation=0.02)
    for head in (uniform, normal):
        head.build((None, 400))
    for layer, bound in ((uniform.first, 0.05), (uniform.second, 0.1)):
        for variable in (layer.kernel, layer.bias):
            largest = np.abs(variable.numpy()).max()
            assert 0.9 * bound < largest <= bound
    assert np.std(normal.first.kernel.numpy()) == pytest.approx(0.02, rel=0.02)
    assert not np.any(normal.first.bias.numpy())


def test_a_stride_of_two_has_its_frame_on_all_sides():
    # The first convolution's, of a map of ones with a kernel of ones: the corner misses a row and
    # a column of three, and "same" padding would leave it whole.
    network = ResNet18Discriminator(16, width=2)
    network.build()
    block = network.blocks[2]
    conv = block.convs[0]
    conv.layer.kernel.assign(tf.ones_like(conv.layer.kernel))
    conv.layer.bias.assign(tf.zeros_like(conv.layer.bias))
    found = conv(basic_block.padded(tf.ones([1, 4, 4, 2])))[0, :, :, 0]
    np.testing.assert_allclose(found / found[1, 1], [[4 / 9, 2 / 3], [2 / 3, 1]], rtol=1e-5)
