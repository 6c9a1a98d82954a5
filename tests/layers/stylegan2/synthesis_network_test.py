"""The synthesis network: which layer takes what, and how the image is summed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers.stylegan2 import generator, synthesis_network

LOWPASS = upfirdn2d.lowpass()


@pytest.fixture(name="network")
def _network():
    keras.utils.set_random_seed(4)
    network = synthesis_network.SynthesisNetwork(32, fmap_base=64, fmap_max=8)
    network.build((None, 8, 6))
    return network


def _latents(batch: int = 2, seed: int = 1) -> tf.Tensor:
    return tf.random.stateless_normal([batch, 8, 6], [0, seed])


def _keep_rgb(network, kept: set) -> None:
    """Silences the ToRGB layers that are not in `kept`."""
    for k, to_rgb in enumerate(network.to_rgb):
        if k not in kept:
            to_rgb.convolution.kernel.assign(tf.zeros_like(to_rgb.convolution.kernel.value))


def test_every_layer_takes_its_own_latent_and_to_rgb_the_next_layers(network):
    # A modulated convolution whose style kernel is zero ignores its latent: leave one.
    modules = [layer.convolution for layer in network.layers]
    modules += [to_rgb.convolution for to_rgb in network.to_rgb]
    expected = [*range(7), 1, 3, 5, 7]
    kernels = [module.style.kernel.numpy() for module in modules]
    w, taken = _latents(), []
    for alone in range(len(modules)):
        for k, (module, kernel) in enumerate(zip(modules, kernels)):
            module.style.kernel.assign(kernel if k == alone else np.zeros_like(kernel))
        with tf.GradientTape() as tape:
            tape.watch(w)
            y = tf.reduce_sum(network(w) ** 2)
        taken.append(np.flatnonzero(np.abs(tape.gradient(y, w)).sum(axis=(0, 2)) > 1e-6).tolist())
    assert taken == [[k] for k in expected]


def test_the_image_is_the_sum_of_all_upsampled_rgb_outputs(network):
    kernels = [to_rgb.convolution.kernel.numpy() for to_rgb in network.to_rgb]
    w = _latents()
    whole, parts = network(w), []
    for k in range(4):
        for to_rgb, kernel in zip(network.to_rgb, kernels):
            to_rgb.convolution.kernel.assign(kernel)
        _keep_rgb(network, {k})
        parts.append(network(w))
        assert np.std(parts[-1]) > 0.01
    np.testing.assert_allclose(tf.add_n(parts), whole, atol=1e-5)


def test_the_coarsest_rgb_output_is_upsampled_three_times(network):
    _keep_rgb(network, set())
    network.to_rgb[0].bias.assign([1.0, 2.0, 3.0])
    expected = tf.ones([2, 4, 4, 3]) * [1.0, 2.0, 3.0]
    for _ in range(3):
        expected = upfirdn2d.upsample_2d(expected, LOWPASS)
    np.testing.assert_allclose(network(_latents()), expected, atol=1e-6)


def test_fixed_noise_repeats_and_given_noise_is_used_by_its_layer(network):
    for layer in network.layers:
        layer.strength.assign(0.5)
    w = _latents()
    fixed = [layer.noise.value for layer in network.layers]
    image = network(w)
    np.testing.assert_array_equal(image, network(w))
    np.testing.assert_array_equal(image, network(w, noise=fixed))
    assert network.noise_sides == [4, 8, 8, 16, 16, 32, 32]
    for k, side in enumerate(network.noise_sides):
        other = tf.random.stateless_normal([2, side, side, 1], [1, k])
        assert not np.allclose(network(w, noise=[*fixed[:k], other, *fixed[k + 1 :]]), image)


def test_without_strength_no_noise_reaches_the_image(network):
    noise = [tf.random.stateless_normal([2, s, s, 1], [1, s]) for s in network.noise_sides]
    np.testing.assert_array_equal(network(_latents(), noise=noise), network(_latents()))


def test_images_are_float32_whatever_computes_them():
    policy = "mixed_bfloat16"
    network = synthesis_network.SynthesisNetwork(8, fmap_base=64, fmap_max=8, dtype=policy)
    assert network(tf.zeros([2, 4, 6])).dtype == tf.float32


def test_a_fresh_generator_of_full_width_spreads_as_stylegan2s_does():
    # StyleGAN2's own: root mean square 1.6 to 1.7, standard deviation across samples 0.98. One draw
    # of the weights scatters by 0.3 and 0.14 (8 seeds), so three draws by 0.17 and 0.08.
    rms, across = [], []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        images = generator.Generator(32)(tf.random.stateless_normal([8, 512], [0, seed]))
        rms.append(np.sqrt(np.mean(images**2)))
        across.append(np.mean(np.std(images, axis=0, ddof=1)))
    assert np.mean(rms) == pytest.approx(1.65, abs=0.35)
    assert np.mean(across) == pytest.approx(0.98, abs=0.16)


def test_mixed_precision_rounds_no_latent_on_its_way():
    # As for ModulatedConv2D: weights of +-1024 cancel on ones, not on 1 + 2^-10, which bfloat16
    # takes for 1. Only the first channel's style, because demodulation undoes a common scale.
    network = synthesis_network.SynthesisNetwork(
        8, fmap_base=64, fmap_max=8, dtype="mixed_bfloat16"
    )
    network.build((None, 4, 2))
    for layer in (*network.layers, *network.to_rgb):
        kernel = np.zeros(layer.convolution.style.kernel.shape)
        kernel[:, 0] = [1024, -1024]
        layer.convolution.style.kernel.assign(kernel)
    ones = np.ones([1, 4, 2], np.float32)
    image = network(ones)
    for latent in range(4):
        w = ones.copy()
        w[:, latent, 0] += 2.0**-10
        assert not np.allclose(network(w), image, atol=0.01), latent
