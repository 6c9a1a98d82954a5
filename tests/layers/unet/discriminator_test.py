"""The U-Net's decoder and its logits, against a NumPy program with loops over pixels."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks, spectral_normalisation
from dualcontrast.layers.unet import discriminator, up_block

DRAW = np.random.default_rng(0)
MAPS = DRAW.standard_normal([3, 4, 4, 3])
IMAGES = DRAW.standard_normal([2, 32, 32, 3])
LABELS = tf.constant([2, 0])


def filled(layer, shape):
    """The layer with drawn variables, in float64."""
    layer.build(shape)
    draw = np.random.default_rng(1)
    for variable in layer.variables:
        variable.assign(draw.standard_normal(variable.shape))
    return layer


def normalised(layer, iterations=1):
    """The kernel as a matrix, over its norm by the power method."""
    kernel, u = layer.layer.kernel.numpy(), layer.u.numpy()
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(iterations):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return matrix / (v @ matrix @ u), kernel.shape[0]


def convolved(layer, x, iterations=1):
    """A convolution with zeros outside, of the normalised kernel."""
    kernel, side = normalised(layer, iterations)
    edge = side // 2
    padded = np.pad(x, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    out = np.zeros([*x.shape[:3], kernel.shape[-1]])
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            patch = padded[:, row : row + side, column : column + side]
            out[:, row, column] = patch.reshape(len(x), -1) @ kernel + layer.layer.bias.numpy()
    return out


def relu(x):
    return np.maximum(x, 0)


def doubled(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


def decoded(block, x):
    residual = convolved(block.convs[0], doubled(relu(x)))
    return convolved(block.convs[1], relu(residual)) + convolved(block.shortcut, doubled(x))


def network_of(classes=3):
    network = discriminator.Discriminator(32, width=2, classes=classes, dtype="float64")
    return filled(network, None)


def test_the_decoders_block():
    block = filled(up_block.UpBlock(5, dtype="float64"), MAPS.shape)
    np.testing.assert_allclose(block(tf.constant(MAPS)), decoded(block, MAPS), atol=1e-9)


def test_the_decoders_block_with_two_iterations():
    block = filled(up_block.UpBlock(5, dtype="float64"), MAPS.shape)
    residual = convolved(block.convs[0], doubled(relu(MAPS)), 2)
    expected = convolved(block.convs[1], relu(residual), 2)
    expected += convolved(block.shortcut, doubled(MAPS), 2)
    np.testing.assert_allclose(block(tf.constant(MAPS), iterations=2), expected, atol=1e-9)


def test_the_logits_of_pixels():
    # The maps of 4x4 as they are; then what came before, with the encoder's of that side behind it.
    network = network_of()
    of_4, of_8, of_16 = (maps.numpy() for maps in reversed(network.maps(tf.constant(IMAGES))))
    x = decoded(network.decoder[0], of_4)
    x = decoded(network.decoder[1], np.concatenate([x, of_8], axis=-1))
    x = decoded(network.decoder[2], np.concatenate([x, of_16], axis=-1))
    assert x.shape == (2, 32, 32, 8)
    expected = (x @ network.pixel_logit.kernel.numpy()[0, 0] + network.pixel_logit.bias.numpy())[
        ..., 0
    ]
    table, u = network.pixel_embedding.layer.kernel.numpy().T, network.pixel_embedding.u.numpy()
    v = table @ u / np.linalg.norm(table @ u)
    table = table / np.linalg.norm(table.T @ v)
    expected += np.einsum("bhwc,cb->bhw", x, table[:, LABELS.numpy()])
    found = network.outputs(networks.Batch(tf.constant(IMAGES), LABELS))
    np.testing.assert_allclose(found.pixel_logits, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.features, relu(of_4).sum(axis=(1, 2)), rtol=1e-9)
    np.testing.assert_allclose(found.logits, network(tf.constant(IMAGES), LABELS), rtol=1e-9)
    np.testing.assert_allclose(found.score, found.logits + expected.mean(axis=(1, 2)), rtol=1e-9)


def test_the_score_of_a_network_that_judges_images_alone_is_the_logit():
    logits = tf.constant([1.0, 2.0])
    assert networks.Outputs(logits, tf.zeros([2, 3])).score is logits


def test_second_derivatives_of_the_score_reach_every_variable_and_match_finite_differences(
    check_second_derivatives,
):
    network = network_of()
    for layer in network._flatten_layers():
        if isinstance(layer, spectral_normalisation.SpectralNormalization):
            # Only there is the derivative of the estimated norm that of the norm.
            layer.u.assign(np.linalg.svd(layer._matrix().numpy())[2][0])
    check_second_derivatives(network, networks.Batch(tf.constant(IMAGES), LABELS), 1e-7)


@pytest.mark.parametrize("passes, expected", [(1, 1), (2, 1), (3, 1), (4, 2)])
def test_reals_fakes_and_mixed_images_move_u_once(passes, expected):
    network = network_of(classes=0)
    conv = network.decoder[1].convs[0]
    matrix, u = conv._matrix().numpy(), conv.u.numpy()
    for _ in range(expected):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    network.update_statistics(passes)
    np.testing.assert_allclose(conv.u, u, atol=1e-9)
