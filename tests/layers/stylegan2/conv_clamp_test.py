"""The bound of activations: what it clips, and that none of them leaves all as it was."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import activation, equalized_conv2d
from dualcontrast.layers.stylegan2 import discriminator, generator, synthesis_layer, to_rgb

SIZES = {"resolution": 16, "fmap_base": 64, "fmap_max": 8}


def test_the_bound_is_that_of_the_output_and_grows_with_a_layers_gain():
    bounded = activation.Activation("leaky_relu", clamp=0.5)
    x = tf.constant([[-10.0, -1.0, 0.3, 0.7]])
    np.testing.assert_allclose(bounded(x), [[-0.5, -0.2, 0.3, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(bounded(x, gain=2.0), [[-1, -0.2, 0.3, 0.7]], rtol=1e-6)
    linear = activation.Activation("linear", clamp=0.5)
    np.testing.assert_allclose(linear(x), [[-0.5, -0.5, 0.3, 0.5]], rtol=1e-6)
    with pytest.raises(ValueError, match="clamp must be above 0"):
        activation.Activation("linear", clamp=0.0)


@pytest.mark.parametrize("gain", [1.0, 0.25])
def test_a_layer_clips_its_output_alone(gain):
    layers = [equalized_conv2d.EqualizedConv2D(4, 3, clamp=clamp) for clamp in (None, 0.5)]
    x = tf.random.stateless_normal([2, 8, 8, 3], [1, 2])
    free = layers[0](x, gain=gain)
    layers[1].build(x.shape)
    layers[1].set_weights(layers[0].get_weights())
    expected = np.clip(free, -0.5 * gain, 0.5 * gain)
    assert np.any(expected != free)
    np.testing.assert_allclose(layers[1](x, gain=gain), expected, atol=1e-6)


@pytest.mark.parametrize("make", [synthesis_layer.SynthesisLayer, to_rgb.ToRGB])
def test_layers_of_the_generator_clip_after_their_bias(make):
    free, bounded = make(3), make(3, clamp=0.5)
    x, w = tf.random.stateless_normal([2, 8, 8, 4], [1, 2]), tf.ones([2, 5])
    for layer in (free, bounded):
        layer.build(x.shape, w.shape)
        layer.bias.assign([3.0, 0.0, -3.0])
    for variable, source in zip(bounded.variables, free.variables, strict=True):
        variable.assign(source)
    expected = np.clip(free(x, w), -0.5, 0.5)
    np.testing.assert_allclose(bounded(x, w), expected, atol=1e-6)


def test_a_bound_that_nothing_reaches_changes_no_bit_and_a_near_one_does():
    z = tf.random.stateless_normal([4, 8], [1, 2])
    images = tf.random.stateless_normal([4, 16, 16, 3], [3, 4])
    for make, x in (
        (lambda **bound: generator.Generator(latent_size=8, w_size=8, **SIZES, **bound), z),
        (lambda **bound: discriminator.Discriminator(**SIZES, **bound), images),
    ):
        free, far, near = make(), make(conv_clamp=1e6), make(conv_clamp=0.3)
        assert far.get_config()["conv_clamp"] == 1e6
        outputs = []
        for network in (free, far, near):
            network.build()
            for variable, source in zip(network.variables, free.variables, strict=True):
                variable.assign(source)
            outputs.append(network(x).numpy())
        np.testing.assert_array_equal(outputs[0], outputs[1])
        assert np.abs(outputs[0] - outputs[2]).max() > 1e-3


def test_the_shortcut_of_the_discriminator_is_not_clipped():
    network = discriminator.Discriminator(**SIZES, conv_clamp=0.3)
    network.build()
    assert [block.skip.activation.clamp for block in network.blocks] == [None, None]
    clipped = [network.from_rgb, network.last_conv, *(b.same for b in network.blocks)]
    clipped += [block.down for block in network.blocks]
    assert {layer.activation.clamp for layer in clipped} == {0.3}
