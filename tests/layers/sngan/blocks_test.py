"""The residual blocks of SNGAN. Literals are those of a NumPy program with loops over pixels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.sngan import dcgan_generator, discriminator, down_block, up_block


def sines(shape, k):
    return np.sin(k + 0.37 * np.arange(np.prod(shape, dtype=int))).reshape(shape)


def fill(*numbered):
    """Gives variables the sines of a number each; variances their absolute values."""
    for variable, k in numbered:
        values = sines(variable.shape, k)
        variable.assign(np.abs(values) if variable.name == "variance" else values)


IMAGES = tf.constant(sines([2, 4, 4, 3], 9), tf.float32)


@pytest.mark.parametrize(
    "training, first, total",
    [
        (False, [-5.729215808751207, -2.7739040146591036], -155.98499043321834),
        (True, [-3.6935647179701294, -2.6309297053946183], -132.33974228108605),
    ],
)
def test_the_generators_block(training, first, total):
    block = up_block.UpBlock(2)
    block.build(IMAGES.shape)
    layers = [block.norms[0], block.convs[0], block.norms[1], block.convs[1], block.shortcut]
    fill(*zip([variable for layer in layers for variable in layer.variables], range(1, 15)))
    out = block(IMAGES, training=training)
    np.testing.assert_allclose(out[0, 0, 0], first, rtol=1e-5)
    assert float(tf.reduce_sum(out)) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(
    "first, downsample, iterations, corner, total",
    [
        (True, True, 1, [0.6345249554729522, 1.054248397917595], 8.44380639214679),
        (True, True, 2, [0.6333102635141179, 1.0526187829317766], 8.450326628239273),
        (False, True, 1, [0.5679386614447358, 0.9273090864279563], 9.123420782116078),
        (False, False, 2, [0.3433523996120158, 0.6896134135627926], 36.51835816268792),
    ],
)
def test_the_discriminators_block(first, downsample, iterations, corner, total):
    block = down_block.DownBlock(2, downsample, first)
    block.build(IMAGES.shape)
    numbers = ((5, 6, 20), (11, 12, 21), (13, 14, 22))
    for conv, (kernel, bias, u) in zip([*block.convs, block.shortcut], numbers):
        fill((conv.layer.kernel, kernel), (conv.layer.bias, bias), (conv.u, u))
    out = block(IMAGES, iterations=iterations)
    np.testing.assert_allclose(out[0, 0, 0], corner, rtol=1e-5)
    assert float(tf.reduce_sum(out)) == pytest.approx(total, rel=1e-5)


def test_a_block_that_changes_neither_size_nor_width_has_no_convolution_in_its_shortcut():
    block = down_block.DownBlock(3, downsample=False)
    block.build(IMAGES.shape)
    assert block.shortcut is None


def test_no_two_kernels_begin_alike_and_a_seed_decides_them():
    def kernels():
        keras.utils.set_random_seed(0)
        network = dcgan_generator.DCGANGenerator(8, width=2)
        network.build()
        block = up_block.UpBlock(3)
        block.build(IMAGES.shape)
        return [conv.kernel.numpy() for conv in (*block.convs, *network.convs)]

    first, again = kernels(), kernels()
    assert not np.array_equal(first[0], first[1])
    assert np.std(first[0]) == pytest.approx((2 / 27) ** 0.5, rel=0.2)  # Glorot's, times root 2
    assert np.std(first[2]) == pytest.approx(0.02, rel=0.1)
    for one, other in zip(first, again):
        np.testing.assert_array_equal(one, other)


def test_the_projection_is_the_product_of_features_and_the_labels_row():
    network = discriminator.Discriminator(32, width=2, classes=3)
    network.build()
    fill(*((variable, k) for k, variable in enumerate(network.variables)))
    images = tf.random.stateless_normal([4, 32, 32, 3], [0, 1])
    labels = [2, 0, 1, 2]
    x = images
    for block in network.blocks:
        x = block(x)
    features = np.maximum(x, 0).sum(axis=(1, 2))
    dense, table = network.logit.layer.kernel.numpy(), network.embedding.layer.kernel.numpy()
    expected = features @ normalised(dense, network.logit.u.numpy())[:, 0]
    rows = normalised(table.T, network.embedding.u.numpy()).T[labels]
    expected += (features * rows).sum(axis=1)
    np.testing.assert_allclose(network(images, labels=tf.constant(labels)), expected, rtol=1e-4)


def normalised(matrix, u):
    """The matrix over its norm, by one iteration of the power method."""
    v = matrix @ u / np.linalg.norm(matrix @ u)
    u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return matrix / (v @ matrix @ u)
