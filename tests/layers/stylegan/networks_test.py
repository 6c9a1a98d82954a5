"""StyleGAN's networks against NumPy programs, and what growing leaves out."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import equalized_dense
from dualcontrast.layers.stylegan import (
    convolution,
    discriminator,
    generator,
    levels,
    synthesis_layer,
    synthesis_network,
)
from tests.layers.stylegan import reference

DRAW = np.random.default_rng(0)
MAPS = DRAW.standard_normal([2, 6, 8, 3])
IMAGES = DRAW.standard_normal([4, 16, 16, 3])
NARROW = {"fmap_base": 32, "fmap_max": 6, "growing": True}
LODS = [0.0, 0.25, 1.0, 1.75, 2.0]


def filled(layer, *shapes):
    """The layer with drawn variables."""
    layer.build(*shapes)
    draw = np.random.default_rng(1)
    for variable in layer.variables:
        if variable.name != "lod":
            variable.assign(draw.standard_normal(variable.shape))
    return layer


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def scaled(layer):
    return layer.kernel.numpy() * layer.scale


def test_up_is_both_ways_of_the_program():
    up = filled(
        convolution.Convolution(4, 3, "up", use_bias=False, activation="linear", dtype="float64"),
        MAPS.shape,
    )
    kernel = scaled(up).swapaxes(2, 3)
    assert up.scale == pytest.approx(np.sqrt(2 / 27))
    close(up(MAPS), reference.up_large(MAPS, kernel))
    close(up(MAPS), reference.up_small(MAPS, kernel[::-1, ::-1]))


def test_down_is_both_ways_of_the_program():
    down = filled(convolution.Convolution(4, 3, "down", dtype="float64"), MAPS.shape)
    for way in (reference.down_small, reference.down_large):
        expected = reference.lrelu(way(MAPS, scaled(down)) + down.bias.numpy())
        close(down(MAPS), expected)


def test_one_filter_in_place_of_two_would_change_the_border_alone():
    # Why there are two passes: blur and box are [1, 3, 3, 1], if not for the zeros between them.
    down = filled(
        convolution.Convolution(4, 3, "down", use_bias=False, activation="linear", dtype="float64"),
        MAPS.shape,
    )
    kernel = scaled(down)
    padded = np.pad(MAPS, [(0, 0), (3, 3), (3, 3), (0, 0)])
    at_once = reference.down_small(padded[:, 1:-1, 1:-1], kernel)[:, 1:-1, 1:-1]
    assert np.allclose(at_once[:, 1:-1, 1:-1], down(MAPS)[:, 1:-1, 1:-1])
    assert not np.allclose(at_once, down(MAPS))


def test_the_gain_is_on_the_weights_alone():
    for layer in (
        convolution.Convolution(2, 1, dtype="float64"),
        equalized_dense.EqualizedDense(
            2, activation="leaky_relu", gain_on_bias=False, dtype="float64"
        ),
    ):
        shape = (1, 1, 1, 4) if isinstance(layer, convolution.Convolution) else (1, 4)
        layer.build(shape)
        layer.bias.assign([3.0, -5.0])
        close(np.ravel(layer(tf.zeros(shape, tf.float64))), [3.0, -5.0 * reference.SLOPE])


def test_a_layer_adds_noise_by_channel_before_bias_activation_and_style():
    layer = filled(synthesis_layer.SynthesisLayer(3, "input", dtype="float64"), MAPS.shape, (2, 5))
    w, noise = DRAW.standard_normal([2, 5]), DRAW.standard_normal([2, 6, 8, 1])
    at = reference.Weights(layer)
    x = reference.lrelu(MAPS + noise * at("strength") + at("bias"))
    expected = reference.adain(x, w, at("adain/style/kernel"), at("adain/style/bias"))
    close(layer(MAPS, w, noise), expected)
    close(layer(MAPS, w), layer(MAPS, w, np.repeat(at("noise"), 2, axis=0)))


def synthesis():
    return filled(synthesis_network.SynthesisNetwork(16, dtype="float64", **NARROW), (4, 6, 5))


def inputs(network):
    draw = np.random.default_rng(2)
    noise = [draw.standard_normal([4, side, side, 1]) for side in network.noise_sides]
    return draw.standard_normal([4, 6, 5]), noise


@pytest.mark.parametrize("lod", LODS)
def test_images_are_those_of_the_program(lod):
    network = synthesis()
    assert network.noise_sides == [4, 4, 8, 8, 16, 16]
    network.lod.assign(lod)
    w, noise = inputs(network)
    close(network(w, noise), reference.synthesis(network, w, noise, lod))


@pytest.mark.parametrize("lod", LODS)
def test_logits_are_those_of_the_program(lod):
    network = filled(discriminator.Discriminator(16, dtype="float64", **NARROW))
    network.lod.assign(lod)
    close(network(IMAGES), reference.logits(network, IMAGES, lod))


@pytest.mark.parametrize("lod", LODS)
def test_what_a_stage_leaves_out_changes_no_bit(lod):
    made, judge = synthesis(), filled(discriminator.Discriminator(16, dtype="float64", **NARROW))
    w, noise = inputs(made)
    for network in (made, judge):
        network.lod.assign(lod)
    image, found = made(w, noise), judge(IMAGES)
    made.stage = judge.stage = int(lod)
    np.testing.assert_array_equal(made(w, noise), image)
    np.testing.assert_array_equal(judge(IMAGES), found)


def test_a_stage_reaches_no_variable_of_other_sides():
    judge = filled(discriminator.Discriminator(16, **NARROW))
    judge.lod.assign(1.5)
    judge.stage = 1
    with tf.GradientTape() as tape:
        found = judge(tf.constant(IMAGES, tf.float32))
    gradients = tape.gradient(found, judge.trainable_variables)
    missing = {
        v.path.split("/")[1] for v, g in zip(judge.trainable_variables, gradients) if g is None
    }
    assert missing == {"16x16_rgb", "16x16"}


def test_without_growing_there_is_one_output_and_one_input():
    made = synthesis_network.SynthesisNetwork(16, fmap_base=32, fmap_max=6)
    made.build((None, 6, 5))
    judge = discriminator.Discriminator(16, fmap_base=32, fmap_max=6)
    judge.build()
    assert [layer.name for layer in made.to_rgb + judge.from_rgb] == ["16x16_rgb"] * 2
    assert made.lod is None and judge.lod is None
    assert [layer.name for layer in judge.from_the_image] == [
        *("16x16_rgb", "same", "down", "same", "down", "4x4_conv"),
    ]


def test_reals_lose_what_their_level_lacks():
    judge = discriminator.Discriminator(16, **NARROW)
    judge.build()
    judge.lod.assign(1.25)
    judge.stage = 1
    half = reference.halve(IMAGES)
    expected = half * 0.75 + reference.double(reference.halve(half)) * 0.25
    found = judge.shown(tf.constant(IMAGES, tf.float32))
    np.testing.assert_allclose(found, reference.double(expected), atol=1e-6)


def test_a_fade_is_exact_at_both_ends():
    fine, coarse = tf.constant([0.1, 1e8]), tf.constant([3.0, -0.7])
    for share, expected in ((-3.0, fine), (0.0, fine), (1.0, coarse), (2.5, coarse)):
        np.testing.assert_array_equal(levels.fade(fine, coarse, tf.constant(share)), expected)


def test_a_generator_begins_with_ones_without_noise():
    made = generator.Generator(8, latent_size=5, w_size=5, fmap_base=16, fmap_max=4)
    made.build()
    assert (made.synthesis.constant.numpy() == 1).all()
    assert not any(layer.strength.numpy().any() for layer in made.synthesis.layers)
    z = tf.random.stateless_normal([2, 5], [0, 1])
    noise = [tf.random.stateless_normal([2, s, s, 1], [s, 0]) for s in made.noise_sides]
    np.testing.assert_array_equal(made(z, noise=noise), made(z))


def test_truncation_moves_the_first_layers_alone():
    made = generator.Generator(8, latent_size=5, w_size=5, fmap_base=16, truncation_layers=3)
    made.build()
    made.w_mean.assign([1.0, 2.0, 3.0, 4.0, 5.0])
    w = tf.random.stateless_normal([2, 4, 5], [0, 1])
    found = made.truncate(w, 0.0)
    np.testing.assert_array_equal(found[:, :3], np.broadcast_to([1, 2, 3, 4, 5], [2, 3, 5]))
    np.testing.assert_array_equal(found[:, 3:], w[:, 3:])


def test_a_second_latent_begins_in_a_layer_that_takes_part():
    made = generator.Generator(16, latent_size=5, w_size=5, style_mixing_probability=1.0, **NARROW)
    made.build()
    assert made.mixed_layers == 6
    made.stage = 1
    assert made.mixed_layers == 4


def test_images_of_another_side_are_refused_by_name():
    with pytest.raises(ValueError, match=r"images must be \[batch, 16, 16, 3\], got"):
        discriminator.Discriminator(16, fmap_base=64, fmap_max=8)(tf.zeros([4, 32, 32, 3]))
