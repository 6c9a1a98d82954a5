"""Colour transformations: brightness, contrast, luma, hue and saturation as one affine map."""

import math

import numpy as np
import tensorflow as tf

from dualcontrast.augmentation.ada.chance import sometimes
from dualcontrast.augmentation.draws import Draws

_BRIGHTNESS = 0.2  # deviation
_CONTRAST, _SATURATION = 0.5, 1.0  # deviations of logarithms to base 2
_COLORS = 3

# The axis of greys: the projection on it, and the turn by a right angle about it.
_GREY = np.zeros([4, 4], np.float32)
_GREY[:3, :3] = 1 / 3
_TURN = np.zeros([4, 4], np.float32)
_TURN[:3, :3] = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
_ONE = np.eye(4, dtype=np.float32)
_SHIFT = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], np.float32)
_SCALE = np.diag(np.array([1, 1, 1, 0], np.float32))


def color(images: tf.Tensor, draws: Draws, probability: tf.Tensor | float) -> tf.Tensor:
    """Returns the images in other colours, without limits (Karras et al. 2020b, appendix B).

    Brightness, contrast about 0, the grey axis mirrored, the hue turned about it, and the distance
    from it scaled: each for a share of the images, all as one affine map of colours. Of grey images
    hue and saturation stay. A fourth channel, which says how opaque a pixel is, stays too.

    Args:
      images: [batch, height, width, channels] float32 with 0 in the middle; 1, 3 or 4 channels.
      draws: of the images.
      probability: of each change.
    """
    channels = images.shape[3]
    matrix = color_matrix(draws, probability, grey=channels == 1)
    if channels == 1:
        to_grey = tf.reduce_mean(matrix[:, :_COLORS], axis=1)[:, None, None]
        scale = tf.reduce_sum(to_grey[..., :_COLORS], axis=-1, keepdims=True)
        return images * scale + to_grey[..., _COLORS:]
    linear, shift = matrix[:, None, :_COLORS, :_COLORS], matrix[:, None, None, :_COLORS, _COLORS]
    changed = tf.matmul(images[..., :_COLORS], linear, transpose_b=True) + shift
    return tf.concat([changed, images[..., _COLORS:]], axis=-1)


def color_matrix(draws: Draws, probability: tf.Tensor | float, grey: bool) -> tf.Tensor:
    """Returns the maps of (red, green, blue, 1), [images, 4, 4] float32.

    Args:
      draws: of the images.
      probability: of each change.
      grey: whether hue and saturation are left as they are.
    """

    def some(drawn: tf.Tensor, otherwise: float, name: str) -> tf.Tensor:
        return sometimes(drawn, otherwise, name, draws, probability)

    def normal(name: str, deviation: float) -> tf.Tensor:
        return some(draws.normal(name, (1, 1)) * deviation, 0.0, name)

    flipped = some(tf.cast(draws.integers("luma", 2, (1, 1)), tf.float32), 0.0, "luma")
    maps = [
        _ONE + normal("brightness", _BRIGHTNESS) * _SHIFT,
        _ONE + (2 ** normal("contrast", _CONTRAST) - 1) * _SCALE,
        _ONE - 2 * flipped * _GREY,
    ]
    if not grey:
        angle = some((draws.uniform("hue", (1, 1)) * 2 - 1) * math.pi, 0.0, "hue")
        saturation = 2 ** normal("saturation", _SATURATION)
        across = _SCALE - _GREY
        maps += [
            _ONE + (tf.cos(angle) - 1) * across + tf.sin(angle) * _TURN,
            _ONE + (saturation - 1) * across,
        ]
    matrix = maps[0]
    for map_ in maps[1:]:
        matrix = map_ @ matrix
    return matrix
