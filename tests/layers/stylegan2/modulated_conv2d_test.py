"""The modulated convolution against its definition, one sample and one kernel at a time."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers.stylegan2 import modulated_conv2d

LOWPASS = upfirdn2d.lowpass()
CASES = [(3, False, True), (3, True, True), (1, False, False), (3, True, False), (1, False, True)]
every_case = pytest.mark.parametrize("kernel_size, upsample, demodulate", CASES)


def _layer(kernel_size=3, upsample=False, demodulate=True, filters=5, channels=4, dtype="float64"):
    keras.utils.set_random_seed(2)
    layer = modulated_conv2d.ModulatedConv2D(
        filters, kernel_size, upsample, demodulate, dtype=dtype
    )
    layer.build((None, 8, 8, channels), (None, 6))
    return layer


def _inputs(dtype="float64", channels=4, side=8):
    x = tf.random.stateless_normal([3, side, side, channels], [0, 1], dtype=dtype)
    return x, tf.random.stateless_normal([3, 6], [0, 2], dtype=dtype)


def _kernels(layer, w):
    """StyleGAN2's kernels, one a sample, that correlate: [batch, taps, taps, channels, filters]."""
    kernel = layer.kernel.numpy()
    if layer.upsample:
        kernel = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    kernel = kernel / np.sqrt(np.prod(kernel.shape[:3]))
    style = w @ layer.style.kernel.value / np.sqrt(w.shape[1]) + layer.style.bias.value + 1
    kernels = style.numpy()[:, None, None, :, None] * kernel
    if layer.demodulate:
        kernels /= np.sqrt(np.sum(kernels**2, axis=(1, 2, 3), keepdims=True) + 1e-8)
    return kernels


def _defined(layer, x, w):
    """Every sample with its own kernel; up: zeros between pixels, correlate, filter."""
    samples = []
    for image, kernel in zip(x, _kernels(layer, w)):
        image, padding = image[None], "SAME"
        if layer.upsample:
            _, height, width, channels = image.shape
            spread = np.zeros([1, 2 * height + 3, 2 * width + 3, channels])
            spread[:, 2:-1:2, 2:-1:2] = image
            image, padding = tf.constant(spread, image.dtype), "VALID"
        y = tf.nn.conv2d(image, kernel, 1, padding)
        if layer.upsample:
            y = upfirdn2d.upfirdn2d(y, LOWPASS, padding=(1, 1), gain=4.0)
        samples.append(y)
    return tf.concat(samples, axis=0)


@every_case
@pytest.mark.parametrize("dtype, tolerance", [("float32", 4e-6), ("float64", 1e-12)])
def test_it_convolves_every_sample_with_its_own_kernel(
    kernel_size, upsample, demodulate, dtype, tolerance
):
    layer = _layer(kernel_size, upsample, demodulate, dtype=dtype)
    x, w = _inputs(dtype)
    expected = _defined(layer, x, w)
    scale = np.sqrt(np.mean(expected**2))
    np.testing.assert_allclose(layer(x, w) / scale, expected / scale, atol=tolerance)


@every_case
def test_a_folded_gain_is_a_gain_on_the_output(kernel_size, upsample, demodulate):
    layer = _layer(kernel_size, upsample, demodulate)
    np.testing.assert_allclose(
        layer(*_inputs(), gain=1.7), 1.7 * layer(*_inputs()), rtol=1e-12, atol=1e-14
    )


def test_demodulated_kernels_have_unit_energy():
    layer = _layer()
    energy = np.sum(_kernels(layer, _inputs()[1]) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(energy, 1, atol=1e-6)


@pytest.mark.parametrize("upsample", [False, True])
def test_demodulation_undoes_a_scale_of_the_kernel_or_of_the_styles(upsample):
    # 30 and 20, not 0.03: the 1e-8 beside the energy breaks the invariance for small ones.
    layer = _layer(upsample=upsample)
    before = layer(*_inputs())
    layer.kernel.assign(layer.kernel.value * 30)
    np.testing.assert_allclose(layer(*_inputs()), before, atol=1e-7)
    # The style is A(w) + 1.
    layer.style.kernel.assign(layer.style.kernel.value * 20)
    layer.style.bias.assign((layer.style.bias.value + 1) * 20 - 1)
    np.testing.assert_allclose(layer(*_inputs()), before, atol=1e-7)


def test_white_noise_leaves_a_demodulated_convolution_with_unit_variance():
    layer = _layer(filters=32, channels=32, dtype="float32")
    x, w = _inputs("float32", 32, 96)
    assert np.var(layer(x, w)[:, 1:-1, 1:-1]) == pytest.approx(1, abs=0.005)


def test_white_noise_leaves_a_doubling_convolution_with_0_3906_of_its_variance():
    layer = _layer(upsample=True, filters=64, channels=64, dtype="float32")
    x, w = _inputs("float32", 64, 48)
    assert np.var(layer(x, w)[:, 2:-2, 2:-2]) == pytest.approx(0.390625, abs=0.01)


def test_doubling_is_upsampling_then_convolution_off_the_border():
    # Fixes the layout: the stored kernel is StyleGAN2's, flipped in space, filters before channels.
    layer = _layer(upsample=True)
    x, w = _inputs()
    upsampled = upfirdn2d.upsample_2d(x, LOWPASS)
    expected = tf.concat(
        [
            tf.nn.conv2d(image[None], kernel, 1, "SAME")
            for image, kernel in zip(upsampled, _kernels(layer, w))
        ],
        axis=0,
    )
    y = layer(x, w)
    np.testing.assert_allclose(y[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=1e-12)
    assert y.shape == expected.shape and not np.allclose(y, expected)


def test_samples_do_not_touch_each_other():
    layer = _layer(upsample=True)
    x, w = _inputs()
    np.testing.assert_allclose(layer(x[1:2], w[1:2]), layer(x, w)[1:2], atol=1e-12)


def test_styles_start_near_one():
    layer = _layer()
    np.testing.assert_array_equal(layer.style.bias, np.zeros(4))
    x, _ = _inputs()
    plain = layer(x, tf.zeros([3, 6], tf.float64))
    kernel = layer.kernel.value / tf.sqrt(tf.reduce_sum(layer.kernel.value**2, [0, 1, 2]))
    np.testing.assert_allclose(plain, tf.nn.conv2d(x, kernel, 1, "SAME"), atol=1e-7)


def test_mixed_precision_does_not_round_the_latents():
    # bfloat16 takes 1 + 2^-10 for 1. The style is 1024 (w - 1) + 1: 2 and 1.
    layer = modulated_conv2d.ModulatedConv2D(1, 1, demodulate=False, dtype="mixed_bfloat16")
    layer.build((None, 1, 1, 1), (None, 1))
    layer.kernel.assign(tf.ones([1, 1, 1, 1]))
    layer.style.kernel.assign([[1024.0]])
    layer.style.bias.assign([-1024.0])
    y = layer(tf.ones([2, 1, 1, 1]), tf.constant([[1 + 2.0**-10], [1.0]]))
    np.testing.assert_array_equal(tf.cast(y, tf.float32)[:, 0, 0, 0], [2, 1])
