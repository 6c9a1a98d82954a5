"""The discriminator's convolution."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers import equalized_conv2d

LOWPASS = upfirdn2d.lowpass()


def _layer(kernel_size: int, channels: int = 4, **arguments):
    keras.utils.set_random_seed(1)
    layer = equalized_conv2d.EqualizedConv2D(5, kernel_size, **arguments, dtype="float64")
    layer.build((None, None, None, channels))
    return layer


def _images(side: int = 12, channels: int = 4):
    return tf.random.stateless_normal([2, side, side, channels], [0, 1], dtype=tf.float64)


def test_the_kernel_is_scaled_by_its_fan_in_and_the_gain_follows_the_activation():
    layer = _layer(3)
    layer.bias.assign([-1, 0, 1, 2, 3])
    y = tf.nn.conv2d(_images(), layer.kernel.value / 6, 1, "SAME") + layer.bias.value
    expected = 2**0.5 * tf.nn.leaky_relu(y, 0.2)
    np.testing.assert_allclose(layer(_images()), expected, atol=1e-12)


def test_downsampling_is_convolution_then_downsampling_off_the_border():
    layer = _layer(3, downsample=True, activation="linear", use_bias=False)
    convolved = tf.nn.conv2d(_images(), layer.kernel.value / 6, 1, "SAME")
    expected = upfirdn2d.downsample_2d(convolved, LOWPASS)
    y = layer(_images())
    np.testing.assert_allclose(y[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-12)
    assert y.shape == expected.shape and not np.allclose(y, expected)


def test_downsampling_filters_all_pixels_before_the_stride():
    # The definition at the border too: 2 zeros around, filter, 3x3 of stride 2 without padding.
    layer = _layer(3, downsample=True, activation="linear", use_bias=False)
    padded = tf.pad(_images(), [[0, 0], [2, 2], [2, 2], [0, 0]])
    filtered = upfirdn2d.upfirdn2d(padded, LOWPASS)
    expected = tf.nn.conv2d(filtered, layer.kernel.value / 6, 2, "VALID")
    np.testing.assert_allclose(layer(_images()), expected, atol=1e-12)


def test_a_1x1_kernel_meets_every_second_filtered_pixel():
    layer = _layer(1, downsample=True, activation="linear", use_bias=False)
    filtered = upfirdn2d.upfirdn2d(_images(), LOWPASS, padding=(1, 1))
    expected = tf.nn.conv2d(filtered, layer.kernel.value / 2, 2, "VALID")
    np.testing.assert_allclose(layer(_images()), expected, atol=1e-12)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_white_noise_keeps_its_variance(kernel_size):
    layer = _layer(kernel_size, channels=256, activation="linear")
    y = layer(_images(48, 256))[:, 1:-1, 1:-1]
    # The draw of 5 filters of 256 or 2304 weights moves their mean energy by 4 % or 1.3 %.
    assert np.var(y) == pytest.approx(1, abs=0.12 if kernel_size == 1 else 0.04)
