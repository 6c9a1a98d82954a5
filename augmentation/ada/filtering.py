"""Image-space filtering: four bands of frequencies, each louder or softer."""

import functools

import numpy as np
import tensorflow as tf

from dualcontrast.augmentation.ada import axes
from dualcontrast.augmentation.ada.chance import sometimes
from dualcontrast.augmentation.ada.wavelets import SYM2
from dualcontrast.augmentation.draws import Draws

_BANDS = 4
_POWERS = np.array([10, 1, 1, 1], np.float32) / 13  # of the bands in natural images: 1 / f


def filtering(images: tf.Tensor, draws: Draws, probability: tf.Tensor | float) -> tf.Tensor:
    """Returns the images with other shares of frequencies (Karras et al. 2020b, appendix B).

    Each band of octaves is, in a share of the images, multiplied by 2^N(0, 1), and then all bands
    divided by what that does to an image's usual power. Mirrors stand at the image's sides. Every
    channel is filtered alike, also one that says how opaque a pixel is.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
      probability: that a band is changed, for each.
    """
    gains = _gains(draws, probability)
    height, width = images.shape[1:3]
    rows, columns = (tf.einsum("bk,kij->bij", gains, _matrices(side)) for side in (height, width))
    return axes.map_axes(images, rows, columns)


def _gains(draws: Draws, probability: tf.Tensor | float) -> tf.Tensor:
    """Returns the bands' factors, [images, 4]."""
    gains = tf.constant(1.0)
    for band in range(_BANDS):
        name = f"band_{band}"
        gain = 2 ** sometimes(draws.normal(name, (1,)), 0.0, name, draws, probability)
        changed = tf.where(tf.range(_BANDS) == band, gain, 1.0)
        power = tf.reduce_sum(_POWERS * changed**2, axis=1, keepdims=True)
        gains *= changed / tf.sqrt(power)
    return gains


@functools.cache
def filter_bank() -> np.ndarray:
    """Returns the bands' filters, lowest first, [4, 43]; together they are a unit impulse.

    The wavelet sym2 cuts the frequencies in halves, and again the lower half of these, twice.
    """
    low, high = _half(SYM2), _half(SYM2 * [1, -1, 1, -1])
    bands = [np.ones(1)]
    while len(bands) < _BANDS:
        bands = [np.convolve(_spread(band), low) for band in bands] + [high]
    longest = max(map(len, bands))
    return np.stack([np.pad(band, (longest - len(band)) // 2) for band in bands])


def _half(wavelet: np.ndarray) -> np.ndarray:
    return np.convolve(wavelet, wavelet[::-1]) / 2


def _spread(taps: np.ndarray) -> np.ndarray:
    """Returns taps at every second place: a filter of half the frequencies."""
    spread = np.zeros(2 * len(taps) - 1)
    spread[::2] = taps
    return spread


@functools.cache
def _matrices(side: int) -> np.ndarray:
    """Returns each band's filter of an axis between mirrors, [4, side, side]."""
    bands = filter_bank()
    matrices = np.zeros([_BANDS, side, side], np.float32)
    reach = bands.shape[1] // 2
    for pixel in range(side):
        sources = axes.reflected(np.arange(pixel - reach, pixel + reach + 1), side)
        for band in range(_BANDS):
            np.add.at(matrices[band, pixel], sources, bands[band])
    return matrices
