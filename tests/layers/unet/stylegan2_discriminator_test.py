"""The decoder upon StyleGAN2's discriminator, against a NumPy program with loops over pixels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.layers.attention import reference_attention
from dualcontrast.layers.stylegan2 import discriminator as stylegan2
from dualcontrast.layers.unet import stylegan2_discriminator, stylegan2_up_block

DRAW = np.random.default_rng(0)
MAPS = DRAW.standard_normal([2, 4, 4, 3])
ENCODED = DRAW.standard_normal([2, 8, 8, 4])
IMAGES = DRAW.uniform(-1, 1, [4, 16, 16, 3])
LABELS = np.array([2, 0, 1, 2])
SIZES = {"fmap_base": 32, "fmap_max": 6}


def filled(layer, *shapes):
    """The layer with drawn variables."""
    layer.build(*shapes)
    draw = np.random.default_rng(1)
    for variable in layer.variables:
        # Mapping layers have large variables and a small multiplier.
        scale = 100 if "label_mapping/dense" in variable.path else 1
        variable.assign(scale * draw.standard_normal(variable.shape))
    return layer


def network_of(classes=3, side=16, **how):
    network = stylegan2_discriminator.StyleGAN2Discriminator(
        side, classes=classes, label_layers=2, dtype="float64", **SIZES, **how
    )
    return filled(network)


def doubled(x):
    """Three zeros beside every pixel, under the filter 1, 3, 3, 1 of both axes."""
    batch, height, width, channels = x.shape
    sparse = np.zeros([batch, 2 * height + 3, 2 * width + 3, channels])
    sparse[:, 2 : 2 * height + 2 : 2, 2 : 2 * width + 2 : 2] = x
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    out = np.zeros([batch, 2 * height, 2 * width, channels])
    for row in range(2 * height):
        for column in range(2 * width):
            patch = sparse[:, row : row + 4, column : column + 4]
            out[:, row, column] = np.einsum("byxc,yx->bc", patch, taps)
    return out


def convolved(layer, x):
    """A convolution with zeros outside, of the kernel over the root of its inputs."""
    kernel = layer.kernel.numpy()
    side, _, channels, filters = kernel.shape
    matrix = kernel.reshape(-1, filters) / np.sqrt(side**2 * channels)
    edge = side // 2
    padded = np.pad(x, [(0, 0), (edge, edge), (edge, edge), (0, 0)])
    out = np.zeros([*x.shape[:3], filters])
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            patch = padded[:, row : row + side, column : column + side]
            out[:, row, column] = patch.reshape(len(x), -1) @ matrix
    return out


def activated(layer, x):
    x = convolved(layer, x) + layer.bias.numpy()
    return np.where(x > 0, x, 0.2 * x) * np.sqrt(2)


def decoded(block, x, encoded):
    x = doubled(x)
    first, second = block.convs
    y = activated(second, activated(first, np.concatenate([x, encoded], axis=-1)))
    return (y + convolved(block.skip, x)) / np.sqrt(2)


def test_the_filter_of_the_program_is_that_of_a_line():
    # Half-pixel centres: between a and b lie 3a/4 + b/4 and a/4 + 3b/4.
    line = np.array([0.0, 4.0, 8.0, 4.0])[None, None, :, None] * np.ones([1, 4, 1, 1])
    np.testing.assert_allclose(doubled(line)[0, 3, 1:7, 0], [1, 3, 5, 7, 7, 5])


def test_the_decoders_block():
    block = stylegan2_up_block.StyleGAN2UpBlock(5, dtype="float64")
    filled(block, MAPS.shape, ENCODED.shape)
    found = block(tf.constant(MAPS), tf.constant(ENCODED))
    np.testing.assert_allclose(found, decoded(block, MAPS, ENCODED), rtol=1e-6, atol=1e-6)


def test_what_is_clipped_are_both_convolutions_and_not_the_skip():
    block = stylegan2_up_block.StyleGAN2UpBlock(5, clamp=0.5, dtype="float64")
    filled(block, MAPS.shape, ENCODED.shape)
    found = block(tf.constant(MAPS), tf.constant(ENCODED)) * np.sqrt(2)
    skipped = convolved(block.skip, doubled(MAPS))
    assert np.abs(found - skipped).max() <= 0.5 + 1e-6 < np.abs(skipped).max()


@pytest.mark.parametrize("classes", [0, 3])
def test_the_logits_of_pixels(classes):
    network = network_of(classes)
    labels = tf.constant(LABELS) if classes else None
    # The encoder's maps: of the image's side those of its colours, then what each block puts out.
    of_16 = network.from_rgb(tf.constant(IMAGES))
    of_8 = network.blocks[0](of_16)
    of_4 = network.last_conv(network.minibatch_stddev(network.blocks[1](of_8)))
    x = decoded(network.decoder[0], of_4.numpy(), of_8.numpy())
    x = decoded(network.decoder[1], x, of_16.numpy())
    assert x.shape == (4, 16, 16, 4)
    expected = convolved(network.pixel_logit, x) + network.pixel_logit.bias.numpy()
    if classes:
        mapped = network.pixel_label_mapping(None, labels).numpy()
        expected = np.einsum("bhwc,bc->bhw", expected, mapped) / np.sqrt(4)
    else:
        expected = expected[..., 0]
    found = network.outputs(networks.Batch(tf.constant(IMAGES), labels))
    np.testing.assert_allclose(found.pixel_logits, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.score, found.logits + expected.mean(axis=(1, 2)), rtol=1e-5)


def test_images_are_judged_as_by_stylegan2s_discriminator_of_the_same_weights():
    network = network_of()
    alone = stylegan2.Discriminator(16, classes=3, label_layers=2, dtype="float64", **SIZES)
    alone.build()
    own = {variable.path.split("/", 1)[1]: variable for variable in network.variables}
    for variable in alone.variables:
        variable.assign(own.pop(variable.path.split("/", 1)[1]))
    assert {path.split("/")[0] for path in own} == {
        *("decoder8x8", "decoder16x16", "pixel_logit", "pixel_label_mapping")
    }
    batch = networks.Batch(tf.constant(IMAGES), tf.constant(LABELS))
    found, expected = network.outputs(batch), alone.outputs(batch)
    np.testing.assert_array_equal(found.logits, expected.logits)
    np.testing.assert_array_equal(found.features, expected.features)
    np.testing.assert_array_equal(network.features(batch.images), found.features)


def test_a_label_moves_the_logits_of_its_own_image_and_of_its_pixels():
    network = network_of()
    images = tf.constant(IMAGES)
    one, other = (
        network.outputs(networks.Batch(images, tf.constant(labels)))
        for labels in (LABELS, [2, 0, 0, 2])
    )
    assert (one.logits != other.logits).numpy().tolist() == [False, False, True, False]
    moved = np.any(one.pixel_logits != other.pixel_logits, axis=(1, 2))
    assert moved.tolist() == [False, False, True, False]


def test_logits_of_pixels_are_float32_under_mixed_precision():
    keras.utils.set_random_seed(0)
    network = stylegan2_discriminator.StyleGAN2Discriminator(16, **SIZES, dtype="mixed_bfloat16")
    network.build()
    logits = network.outputs(networks.Batch(tf.constant(IMAGES, tf.float32))).pixel_logits
    assert logits.dtype == tf.float32
    assert not np.array_equal(tf.cast(tf.cast(logits, tf.bfloat16), tf.float32), logits)


def test_with_reference_attention_pixels_are_judged_beside_the_references_too():
    attention = reference_attention.ReferenceAttention(patch_size=3, sharing=2, dtype="float64")
    network = network_of(classes=0, attention=attention, attention_resolution=8)
    images, references = tf.constant(IMAGES), tf.constant(IMAGES[::-1].copy())
    batch = networks.Batch(images)
    of_reals, of_fakes = network.compare(batch, batch, references, judge_reals=True)
    expected = network.outputs(batch, references)
    for found in (of_reals, of_fakes):
        np.testing.assert_allclose(found.pixel_logits, expected.pixel_logits, rtol=1e-9)
    assert not np.allclose(network.outputs(batch, images).pixel_logits, expected.pixel_logits)


def test_second_derivatives_of_the_score_reach_every_variable_and_match_finite_differences(
    check_second_derivatives,
):
    batch = networks.Batch(tf.constant(IMAGES[:, :8, :8]), tf.constant(LABELS))
    check_second_derivatives(network_of(side=8), batch, 1e-6)
