"""SAGAN's blocks with their attention, against a NumPy program with loops over pixels."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.sagan import down_block, up_block

DRAW = np.random.default_rng(0)
IMAGES = DRAW.standard_normal([3, 4, 4, 3])
LABELS = np.array([2, 0, 2])


def filled(layer, *inputs):
    """The layer with drawn variables, in float64."""
    layer.build(*inputs)
    draw = np.random.default_rng(1)
    for variable in layer.variables:
        values = draw.standard_normal(variable.shape)
        variable.assign(np.abs(values) if variable.name == "variance" else values)
    return layer


def normalised(matrix, u):
    """The matrix over its norm, by one iteration of the power method."""
    v = matrix @ u / np.linalg.norm(matrix @ u)
    u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return matrix / (v @ matrix @ u)


def convolved(layer, x):
    """A convolution with zeros outside, of the normalised kernel."""
    kernel = layer.layer.kernel.numpy()
    side, outputs = kernel.shape[0], kernel.shape[-1]
    kernel = normalised(kernel.reshape(-1, outputs), layer.u.numpy())
    edge = side // 2
    padded = np.pad(x, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    out = np.zeros([*x.shape[:3], outputs])
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            patch = padded[:, row : row + side, column : column + side]
            out[:, row, column] = patch.reshape(len(x), -1) @ kernel + layer.layer.bias.numpy()
    return out


def attended(layer, x):
    """x + gamma * attention: keys and values are the largest of 2x2 pixels."""

    def projected(dense, pixels):
        return pixels @ normalised(dense.layer.kernel.numpy(), dense.u.numpy())

    def pooled(maps):
        cells = maps.reshape(maps.shape[0] // 2, 2, maps.shape[1] // 2, 2, -1)
        return cells.max(axis=(1, 3)).reshape(-1, maps.shape[-1])

    out = np.empty_like(x)
    for index, image in enumerate(x):
        queries = projected(layer.query, image).reshape(-1, layer.query.layer.units)
        keys, values = pooled(projected(layer.key, image)), pooled(projected(layer.value, image))
        weights = np.exp(queries @ keys.T)
        weights /= weights.sum(axis=1, keepdims=True)
        found = projected(layer.output_kernel, weights @ values).reshape(image.shape)
        out[index] = image + layer.gamma.numpy() * found
    return out


def relu(x):
    return np.maximum(x, 0)


def halved(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def doubled(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


@pytest.mark.parametrize("first", [True, False])
def test_the_discriminators_block(first):
    block = down_block.DownBlock(16, first=first, attention=True, dtype="float64")
    filled(block, IMAGES.shape)
    residual = convolved(block.convs[0], IMAGES if first else relu(IMAGES))
    assert residual.shape[-1] == 16  # as wide as the output
    residual = convolved(block.convs[1], relu(residual))
    shortcut = halved(convolved(block.shortcut, IMAGES))
    expected = attended(block.attend, halved(residual) + shortcut)
    np.testing.assert_allclose(block(tf.constant(IMAGES)), expected, rtol=1e-9, atol=1e-9)


def test_the_generators_block_with_classes():
    block = up_block.UpBlock(8, classes=3, attention=True, dtype="float64")
    filled(block, IMAGES.shape)

    def normed(norm, x):
        gamma, beta = (table.numpy()[LABELS][:, None, None] for table in (norm.gamma, norm.beta))
        centred = x - x.mean(axis=(0, 1, 2))
        return centred / np.sqrt(x.var(axis=(0, 1, 2)) + 1e-5) * gamma + beta

    residual = convolved(block.convs[0], doubled(relu(normed(block.norms[0], IMAGES))))
    residual = convolved(block.convs[1], relu(normed(block.norms[1], residual)))
    expected = attended(block.attend, residual + convolved(block.shortcut, doubled(IMAGES)))
    found = block(tf.constant(IMAGES), labels=tf.constant(LABELS), training=True)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_attention_begins_as_the_identity():
    block = down_block.DownBlock(8, attention=True)
    block.build(IMAGES.shape)
    assert float(block.attend.gamma.value) == 0
    names = {variable.name for variable in block.attend.variables}
    assert names == {"gamma", "kernel", "u"}  # no bias
