"""BigGAN's blocks, against a NumPy program with loops over pixels."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import spectral_normalisation
from dualcontrast.layers.biggan import discriminator, down_block, generator, up_block

DRAW = np.random.default_rng(0)
IMAGES = DRAW.standard_normal([3, 4, 4, 3])
VECTORS = DRAW.standard_normal([3, 5])


def filled(layer, *shapes):
    """The layer with drawn variables, in float64."""
    layer.build(*shapes)
    draw = np.random.default_rng(1)
    for variable in layer.variables:
        values = draw.standard_normal(variable.shape)
        variable.assign(np.abs(values) if variable.name == "variance" else values)
    return layer


def normalised(layer):
    """The kernel as a matrix over its norm, by one iteration of the power method."""
    kernel, u = layer.layer.kernel.numpy(), layer.u.numpy()
    matrix = kernel.reshape(-1, kernel.shape[-1])
    v = matrix @ u / np.linalg.norm(matrix @ u)
    u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return matrix / (v @ matrix @ u), kernel.shape[0]


def convolved(layer, x):
    """A convolution with zeros outside, of the normalised kernel."""
    kernel, side = normalised(layer)
    edge = side // 2
    padded = np.pad(x, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    out = np.zeros([*x.shape[:3], kernel.shape[-1]])
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            patch = padded[:, row : row + side, column : column + side]
            out[:, row, column] = patch.reshape(len(x), -1) @ kernel + layer.layer.bias.numpy()
    return out


def made(layers, vectors):
    """A gain or shift of every sample: linear and normalised, or of a hidden layer and plain."""
    if len(layers) == 1:
        return vectors @ normalised(layers[0])[0]
    first, second = layers
    hidden = relu(vectors @ first.kernel.numpy() + first.bias.numpy())
    return hidden @ second.kernel.numpy()


def normed(norm, x):
    centred = (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + 1e-5)
    gain, shift = (made(layers, VECTORS)[:, None, None] for layers in (norm.gain, norm.shift))
    return centred * (1 + gain) + shift


def attended(layer, x):
    """x + gamma * attention: keys and values are the largest of 2x2 pixels."""

    def pooled(maps):
        cells = maps.reshape(maps.shape[0] // 2, 2, maps.shape[1] // 2, 2, -1)
        return cells.max(axis=(1, 3)).reshape(-1, maps.shape[-1])

    out = np.empty_like(x)
    for index, image in enumerate(x):
        query, key, value, last = (
            normalised(dense)[0]
            for dense in (layer.query, layer.key, layer.value, layer.output_kernel)
        )
        queries = (image @ query).reshape(-1, query.shape[-1])
        weights = np.exp(queries @ pooled(image @ key).T)
        weights /= weights.sum(axis=1, keepdims=True)
        found = weights @ pooled(image @ value) @ last
        out[index] = image + layer.gamma.numpy() * found.reshape(image.shape)
    return out


def relu(x):
    return np.maximum(x, 0)


def halved(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def doubled(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


@pytest.mark.parametrize("hidden", [0, 6], ids=["linear", "with a hidden layer"])
def test_the_generators_block(hidden):
    block = up_block.UpBlock(16, attention=True, hidden=hidden, dtype="float64")
    filled(block, IMAGES.shape, VECTORS.shape)
    residual = convolved(block.convs[0], doubled(relu(normed(block.norms[0], IMAGES))))
    residual = convolved(block.convs[1], relu(normed(block.norms[1], residual)))
    summed = residual + convolved(block.shortcut, doubled(IMAGES))
    found = block(tf.constant(IMAGES), tf.constant(VECTORS), training=True)
    np.testing.assert_allclose(found, attended(block.attend, summed), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("first", [True, False])
def test_the_discriminators_block(first):
    block = down_block.DownBlock(16, first=first, attention=True, dtype="float64")
    filled(block, IMAGES.shape)
    residual = convolved(block.convs[0], IMAGES if first else relu(IMAGES))
    assert residual.shape[-1] == 16  # as wide as the output
    residual = convolved(block.convs[1], relu(residual))
    summed = halved(residual) + halved(convolved(block.shortcut, IMAGES))
    expected = attended(block.attend, summed)
    np.testing.assert_allclose(block(tf.constant(IMAGES)), expected, rtol=1e-9, atol=1e-9)


def test_each_block_is_given_its_own_chunk_of_z_and_all_of_them_the_class():
    made_by = generator.Generator(32, latent_size=8, width=2, classes=3)
    made_by.build()
    z, labels = tf.random.stateless_normal([2, 8], [0, 1]), tf.constant([1, 2])
    heard = []
    for block in made_by.blocks:
        original = block.call

        def call(x, condition, original=original, **how):
            heard.append(condition)
            return original(x, condition, **how)

        block.call = call
    made_by(z, labels)
    rows = made_by.embedding.kernel.numpy()[[1, 2]]
    for k, condition in enumerate(heard):
        expected = np.concatenate([rows, z[:, 2 * (k + 1) : 2 * (k + 2)]], axis=1)
        np.testing.assert_array_equal(condition, expected)
    assert len(heard) == 3
    np.testing.assert_allclose(made_by.first(z)[:, 0, 0, :4], made_by.dense(z[:, :2])[:, :4])


def test_without_classes_every_block_is_given_all_of_z():
    made_by = generator.Generator(32, latent_size=6, width=2)
    made_by.build()
    inputs = {
        tuple(layers[0].kernel.shape) for b in made_by.blocks for layers in (b.norms[0].gain,)
    }
    assert inputs == {(6, 128)} and made_by.dense.layer.kernel.shape[0] == 6


@pytest.mark.parametrize("classes", [0, 300])
def test_all_kernels_are_orthogonal_at_the_start_and_biases_0(classes):
    how = {"width": 4, "classes": classes, "attention_resolution": 8}
    networks = [
        generator.Generator(32, latent_size=8, **how),
        discriminator.Discriminator(32, **how),
    ]
    for network in networks:
        network.build()
        for variable in network.trainable_variables:
            if len(variable.shape) < 2:
                expected = 1 if variable.name == "gamma" and "attend" not in variable.path else 0
                np.testing.assert_array_equal(variable, np.full(variable.shape, expected))
                continue
            matrix = variable.numpy().reshape(-1, variable.shape[-1])
            small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
            np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-5, err_msg=variable.path)


def test_u_and_v_are_constants_to_a_derivative():
    network = discriminator.Discriminator(32, width=2, attention_resolution=8)
    network.build()
    layers = network._flatten_layers()
    found = [x for x in layers if isinstance(x, spectral_normalisation.SpectralNormalization)]
    assert found and not any(layer.as_in_sagan for layer in found)
