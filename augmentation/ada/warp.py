"""An affine map of the pixels by one resampling at twice the resolution."""

import functools

import numpy as np
import tensorflow as tf

from dualcontrast.augmentation.ada import axes
from dualcontrast.augmentation.ada.wavelets import SYM6

_PEAK = 5  # the tap that stands at the pixel's own place


def warp(images: tf.Tensor, sources: tf.Tensor) -> tf.Tensor:
    """Returns the images mapped by an affine map each (Karras et al. 2020b, appendix B).

    The image stands between mirrors, which show it once on every side; beyond is 0. It is doubled
    by the wavelet sym6, read bilinearly at the places that the doubled result comes from, and
    halved by the transposed filter. The wavelet is orthonormal, so halving undoes doubling, and a
    shift by whole pixels is exact.

    Departs from the published program, whose mirrors reach as far as a bound for the whole batch
    says: what becomes of an image would depend on the others, and shapes on the draws.

    Args:
      images: [batch, height, width, channels] float32.
      sources: where a pixel of the result comes from, [batch, 3, 3] float32, in pixels from the
        image's middle, x first.
    """
    height, width = images.shape[1:3]
    doubled = axes.map_axes(images, _doubling(height), _doubling(width))
    read = _read(doubled, *_places(sources, height, width))
    return axes.map_axes(read, _halving(height), _halving(width))


@functools.cache
def _doubling(side: int) -> np.ndarray:
    """Returns the map from pixels to doubled ones with mirrors and a zero at each end."""
    mirrored = np.arange(1 - side, 2 * side - 1)
    matrix = np.zeros([6 * side - 2, side], np.float32)
    for k, (place, pixel) in enumerate(zip(mirrored, axes.reflected(mirrored, side))):
        for tap, weight in enumerate(SYM6):
            row = 2 * k + tap - _PEAK
            if 0 <= row < 6 * side - 4:
                matrix[row + 1, pixel] += weight
    return matrix


@functools.cache
def _halving(side: int) -> np.ndarray:
    """Returns the map from doubled pixels, from `_PEAK` before the first on, to pixels."""
    matrix = np.zeros([side, 2 * side + len(SYM6) - 2], np.float32)
    for pixel in range(side):
        matrix[pixel, 2 * pixel : 2 * pixel + len(SYM6)] = SYM6
    return matrix


def _places(sources: tf.Tensor, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns x and y of the doubled image, from its first pixel, for the doubled result."""
    columns, rows = (
        tf.range(_halving(side).shape[1], dtype=tf.float32) - _PEAK for side in (width, height)
    )
    middle = tf.constant([(width - 1) / 2, (height - 1) / 2])
    linear = sources[:, :2, :2]
    shift = 2 * (sources[:, :2, 2] + middle - tf.linalg.matvec(linear, middle))
    linear, shift = linear[..., None, None], shift[..., None, None]
    x, y = (
        linear[:, axis, 0] * columns + linear[:, axis, 1] * rows[:, None] + shift[:, axis]
        for axis in (0, 1)
    )
    return x, y


def _read(doubled: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Returns what `_doubling` made, between its pixels: [batch, *places, channels]."""
    _, height, width, channels = doubled.shape
    pixels = tf.reshape(doubled, [-1, channels])
    first = tf.range(tf.shape(doubled)[0])[:, None, None] * (height * width)
    return tf.add_n(
        [
            tf.gather(pixels, first + row * width + column) * (of_row * of_column)[..., None]
            for row, of_row in _neighbours(y, height)
            for column, of_column in _neighbours(x, width)
        ]
    )


def _neighbours(places: tf.Tensor, framed: int) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Returns the pixels on both sides of places, in an axis of `framed` ones, and their weights.

    The first and the last one are zeros: they stand for all that is further outside.
    """
    origin = framed // 3  # of 6 * side - 2, that is 2 * side - 1 after the zero and one mirror
    below = tf.floor(places)
    share = places - below
    index = tf.cast(below, tf.int32) + origin
    return [
        (tf.clip_by_value(index, 0, framed - 1), 1 - share),
        (tf.clip_by_value(index + 1, 0, framed - 1), share),
    ]
