"""R3GAN's parts against NumPy programs with loops over pixels, and how they begin."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.r3gan import (
    convolution,
    discriminative_basis,
    discriminator,
    down_transition,
    generative_basis,
    generator,
    residual_block,
    up_transition,
)

MAPS = np.random.default_rng(0).standard_normal([2, 4, 6, 4])
SLOPE = float(np.float32(0.2))  # an attribute of the operation is a float32
TINY = {"fmap_base": 32, "fmap_max": 8, "group_width": 4}


def filled(layer, shape):
    """The layer with drawn variables, in float64."""
    layer.build(shape)
    draw = np.random.default_rng(1)
    for variable in layer.variables:
        variable.assign(draw.standard_normal(variable.shape))
    return layer


def activated(conv, x):
    x = x + conv.bias.numpy()
    return np.where(x > 0, x, SLOPE * x)


def test_a_block_is_the_published_one():
    block = filled(residual_block.ResidualBlock(groups=4, depth=3, dtype="float64"), MAPS.shape)
    expand, grouped, project = block.convs
    inside = activated(expand, MAPS @ expand.kernel.numpy()[0, 0])
    assert inside.shape[-1] == 8
    padded = np.pad(inside, [(0, 0), (1, 1), (1, 1), (0, 0)])
    kernel, found = grouped.kernel.numpy(), np.empty_like(inside)
    for row, column, filter_ in np.ndindex(4, 6, 8):
        group = filter_ // 2  # of four, of two channels each
        seen = padded[:, row : row + 3, column : column + 3, 2 * group : 2 * group + 2]
        found[:, row, column, filter_] = np.sum(seen * kernel[..., filter_], axis=(1, 2, 3))
    expected = MAPS + activated(grouped, found) @ project.kernel.numpy()[0, 0]
    np.testing.assert_allclose(block(tf.constant(MAPS)), expected, rtol=1e-10, atol=1e-10)


def test_a_block_begins_as_the_identity_and_learns_all_the_same():
    block = residual_block.ResidualBlock(groups=2, depth=8)
    x = tf.constant(MAPS, tf.float32)
    with tf.GradientTape() as tape:
        y = block(x)
        loss = tf.reduce_sum(y**2)
    np.testing.assert_array_equal(y, x)
    moved = tape.gradient(loss, block.convs[-1].trainable_variables)
    assert np.abs(moved[0]).min() > 0


def test_first_weights_have_the_variance_of_fix_up():
    keras.utils.set_random_seed(0)
    block = residual_block.ResidualBlock(groups=16, depth=16)
    block.build((None, 8, 8, 128))
    expand, grouped, project = (conv.kernel.numpy() for conv in block.convs)
    # sqrt(2 / 1.04 / fan_in) / 16^(1/4): of 128 channels, and of 9 taps of 16 channels.
    assert expand.std() == pytest.approx((2 / 1.04 / 128) ** 0.5 / 2, rel=0.02)
    assert grouped.std() == pytest.approx((2 / 1.04 / 144) ** 0.5 / 2, rel=0.02)
    assert np.abs(expand).max() > 3 * expand.std()  # nothing is cut off
    assert not project.any()
    assert not any(conv.bias.numpy().any() for conv in block.convs[:2])


def tent(length):
    """The matrix of bilinear doubling along an axis, with zeros outside of the image."""
    found = np.zeros([2 * length, length])
    for out in range(2 * length):
        near, far = out // 2, out // 2 + (1 if out % 2 else -1)
        found[out, near] = 0.75
        if 0 <= far < length:
            found[out, far] = 0.25
    return found


def test_doubling_is_bilinear_after_the_width_has_changed():
    layer = filled(up_transition.UpTransition(3, dtype="float64"), MAPS.shape)
    narrow = MAPS @ layer.conv.kernel.numpy()[0, 0]
    expected = np.einsum("yi,xj,bijc->byxc", tent(4), tent(6), narrow)
    np.testing.assert_allclose(layer(tf.constant(MAPS)), expected, rtol=1e-6, atol=1e-6)


def test_halving_is_its_transpose_before_the_width_changes():
    layer = filled(down_transition.DownTransition(3, dtype="float64"), MAPS.shape)
    # Four pixels a pixel: the transpose of doubling adds up to 4.
    small = np.einsum("iy,jx,bijc->byxc", tent(2) / 2, tent(3) / 2, MAPS)
    expected = small @ layer.conv.kernel.numpy()[0, 0]
    np.testing.assert_allclose(layer(tf.constant(MAPS)), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("layer", [up_transition.UpTransition, down_transition.DownTransition])
def test_where_the_width_stays_nothing_is_trained(layer):
    same = layer(4)
    same.build(MAPS.shape)
    assert same.conv is None and not same.variables


def test_a_network_begins_as_its_resampled_basis():
    # Blocks are the identity, so that only bases, transitions and linear layers are left.
    keras.utils.set_random_seed(0)
    network = generator.Generator(8, latent_size=6, **TINY)
    z = np.float32(np.random.default_rng(2).standard_normal([3, 6]))
    images = network(tf.constant(z))
    weights = z @ network.linear.kernel.numpy()
    maps = weights[:, None, None] * network.trunk[0].basis.numpy()
    maps = np.einsum("yi,xj,bijc->byxc", tent(4), tent(4), maps)
    np.testing.assert_allclose(images, maps @ network.to_rgb.kernel.numpy()[0, 0], atol=1e-5)


def test_a_judge_begins_as_a_linear_function():
    keras.utils.set_random_seed(0)
    network = discriminator.Discriminator(8, **TINY)
    images = np.float32(np.random.default_rng(2).standard_normal([3, 8, 8, 3]))
    logits = network(tf.constant(images))
    maps = images @ network.trunk[0].kernel.numpy()[0, 0]
    maps = np.einsum("iy,jx,bijc->byxc", tent(4) / 2, tent(4) / 2, maps)
    features = np.sum(maps * network.basis.kernel.numpy(), axis=(1, 2))
    np.testing.assert_allclose(logits, features @ network.logit.kernel.numpy()[:, 0], atol=1e-5)


def test_a_class_has_a_row_beside_z_and_a_direction_of_the_features():
    keras.utils.set_random_seed(0)
    labels = tf.constant([2, 0, 2])
    maker = generator.Generator(8, latent_size=6, classes=3, **TINY)
    maker.build()
    assert maker.linear.kernel.shape == (12, 8)
    z = tf.ones([3, 6])
    images = maker(z, labels).numpy()
    np.testing.assert_allclose(images[0], images[2], atol=1e-6)
    assert not np.allclose(images[0], images[1])
    judge = discriminator.Discriminator(8, classes=3, **TINY)
    judge.build()
    features = judge.features(tf.constant(images))
    projected = features @ judge.logit.kernel.numpy()
    rows = judge.embedding.kernel.numpy()[labels]
    expected = np.sum(projected * rows, axis=1)
    np.testing.assert_allclose(judge(tf.constant(images), labels), expected, rtol=1e-5, atol=1e-6)


def test_embeddings_begin_as_in_the_program():
    # N(0, 1 / sqrt(classes)) in G; in D also over the root of its width.
    keras.utils.set_random_seed(0)
    how = {"classes": 100, "fmap_base": 512, "fmap_max": 64}
    maker, judge = generator.Generator(8, **how), discriminator.Discriminator(8, **how)
    maker.build()
    judge.build()
    assert maker.embedding.kernel.numpy().std() == pytest.approx(1 / 10, rel=0.03)
    assert judge.embedding.kernel.numpy().std() == pytest.approx(1 / 80, rel=0.03)
    assert maker.linear.kernel.numpy().std() == pytest.approx(128**-0.5, rel=0.03)
    assert maker.trunk[0].basis.numpy().std() == pytest.approx(1, rel=0.1)
    assert judge.basis.kernel.numpy().std() == pytest.approx(1 / 4, rel=0.1)


def test_maps_of_another_side_than_4_are_refused():
    with pytest.raises(ValueError, match="maps must be 4x4, got .None, 8, 8, 3"):
        discriminative_basis.DiscriminativeBasis().build((None, 8, 8, 3))


def test_groups_that_do_not_divide_the_input_are_refused():
    with pytest.raises(ValueError, match="2 groups do not divide 3 channels"):
        convolution.Convolution(4, 3, 2).build((None, 8, 8, 3))


def test_a_basis_is_weighted_channel_by_channel():
    layer = filled(generative_basis.GenerativeBasis(dtype="float64"), (None, 3))
    x = np.random.default_rng(3).standard_normal([2, 3])
    expected = np.einsum("yxc,bc->byxc", layer.basis.numpy(), x)
    np.testing.assert_allclose(layer(tf.constant(x)), expected, rtol=1e-12)
