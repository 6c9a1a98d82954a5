"""The branch from feature maps to an image."""

import keras
import numpy as np
import tensorflow as tf

from dualcontrast.layers.stylegan2 import to_rgb


def _layer():
    keras.utils.set_random_seed(8)
    layer = to_rgb.ToRGB(3)
    layer.build((None, 4, 4, 5), (None, 6))
    layer.bias.assign([1.0, 2.0, 3.0])
    return layer


def _inputs():
    x = tf.random.stateless_normal([2, 4, 4, 5], [0, 1])
    return x, tf.random.stateless_normal([2, 6], [0, 2])


def test_every_pixel_is_a_styled_sum_of_its_features_and_a_bias():
    layer, (x, w) = _layer(), _inputs()
    style = w @ layer.convolution.style.kernel.value / 6**0.5 + 1
    kernel = layer.convolution.kernel.value[0, 0] / 5**0.5
    expected = tf.einsum("nhwc,nc,co->nhwo", x, style, kernel) + [1.0, 2.0, 3.0]
    np.testing.assert_allclose(layer(x, w), expected, rtol=1e-4, atol=1e-5)


def test_features_are_not_demodulated():
    layer, (x, w) = _layer(), _inputs()
    bias = np.array([1.0, 2.0, 3.0])
    image = layer(x, w)
    tenfold = layer(10 * x, w) - bias
    np.testing.assert_allclose(tenfold, 10 * (image - bias), rtol=1e-3, atol=1e-4)
    layer.convolution.kernel.assign(layer.convolution.kernel.value * 10)
    np.testing.assert_allclose(layer(x, w) - bias, 10 * (image - bias), rtol=1e-3, atol=1e-4)
