"""Attention in the generator: what stays of the layer around it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention import dfn, sagan, san, vt
from dualcontrast.layers.stylegan2 import generator, modulated_attention, synthesis_layer

X = tf.random.stateless_normal([3, 8, 8, 16], [0, 1])
W = tf.random.stateless_normal([3, 6], [0, 2])
KINDS = {
    "san": lambda: san.SAN(patch_size=3),
    "sagan": sagan.SAGAN,
    "dfn": lambda: dfn.DFN(hidden=8),
    "vt": lambda: vt.VT(4, 8),
}


def _layer(**arguments):
    keras.utils.set_random_seed(5)
    layer = modulated_attention.ModulatedAttention(san.SAN(patch_size=3), **arguments)
    layer.build(X.shape, W.shape)
    return layer


def test_it_scales_attends_and_normalises():
    layer = _layer()
    style = layer.style(W) + 1
    attended = layer.attend(X * style[:, None, None, :])
    size = tf.sqrt(tf.reduce_mean(style**2, 1))[:, None, None, None]
    np.testing.assert_allclose(layer(X, W), attended / size, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(layer(X, W, gain=2.0), 2 * attended / size, rtol=1e-5, atol=1e-5)
    literal = _layer(normalize=False)
    np.testing.assert_allclose(literal(X, W, gain=2.0), 2 * attended, rtol=1e-5, atol=1e-5)


def test_normalised_the_size_of_a_style_means_nothing():
    layer = _layer()
    # Without biases SAN is homogeneous in what its values and residual are made of, but its weights
    # see the scale as well; without them only the residual is left.
    layer.attend.to_weights.kernel.assign(tf.zeros_like(layer.attend.to_weights.kernel))
    layer.style.kernel.assign(tf.zeros_like(layer.style.kernel))
    layer.style.bias.assign(tf.fill([16], 4.0))
    np.testing.assert_allclose(layer(X, W), X, rtol=1e-5, atol=1e-5)


def test_upsampled_it_attends_to_the_larger_map():
    layer = _layer(upsample=True)
    assert layer(X, W).shape == (3, 16, 16, 16)
    assert layer.attend.to_weights.kernel.shape[-1] == 9 * 4


def test_noise_bias_and_activation_follow_as_after_a_convolution():
    keras.utils.set_random_seed(5)
    layer = synthesis_layer.SynthesisLayer(16, attention=san.SAN(patch_size=3))
    layer.build(X.shape, W.shape)
    layer.strength.assign(0.7)
    layer.bias.assign(np.linspace(-1, 1, 16))
    noise = tf.random.stateless_normal([3, 8, 8, 1], [0, 3])
    attended = layer.convolution(X, W)
    expected = tf.nn.leaky_relu(attended + 0.7 * noise + layer.bias.value, 0.2) * 2**0.5
    np.testing.assert_allclose(layer(X, W, noise=noise), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resolution", [8, 16])
def test_it_replaces_the_second_convolution_of_its_resolution(kind, resolution):
    network = generator.Generator(
        16, 3, 8, 8, 2, 0.01, 64, 8, attention=KINDS[kind](), attention_resolution=resolution
    )
    images = network(tf.random.stateless_normal([2, 8], [0, 4]))
    assert images.shape == (2, 16, 16, 3) and np.all(np.isfinite(images))
    replaced = [layer.name for layer in network.synthesis.layers if layer.attention]
    assert replaced == [f"{resolution}x{resolution}"]


def test_in_both_it_replaces_the_upsampling_convolution_as_well():
    network = generator.Generator(
        16,
        3,
        8,
        8,
        2,
        fmap_base=64,
        fmap_max=8,
        attention=san.SAN(patch_size=3),
        attention_resolution=16,
        attention_in_both=True,
    )
    network.build()
    replaced = [layer.name for layer in network.synthesis.layers if layer.attention]
    assert replaced == ["16x16_up", "16x16"]


def test_a_convolution_that_changes_the_channels_cannot_be_replaced():
    layer = synthesis_layer.SynthesisLayer(8, attention=san.SAN(patch_size=3))
    with pytest.raises(ValueError, match="16 channels cannot have 8 filters"):
        layer.build(X.shape, W.shape)
