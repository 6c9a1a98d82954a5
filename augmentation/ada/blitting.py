"""Pixel blitting: flips, quarter turns and whole shifts, as maps of the plane."""

import math

import tensorflow as tf

from dualcontrast.augmentation.ada import planar
from dualcontrast.augmentation.ada.chance import sometimes
from dualcontrast.augmentation.draws import Draws

_SHIFT = 0.125  # of the side, each way


def blitting(
    height: int, width: int, draws: Draws, probability: tf.Tensor | float
) -> list[tf.Tensor]:
    """Returns where a pixel of the result comes from, as maps to be multiplied in this order.

    A flip left to right (in half of the cases in which it is not left out), a turn by a number of
    quarters, and a shift by whole pixels of up to 1/8 of each side (Karras et al. 2020b, appendix
    B), each for a share of the images.

    Args:
      height, width: of the images, whose middle is the origin.
      draws: of the images.
      probability: of each.

    Returns:
      Maps, [images, 3, 3] float32 each, in pixels: the inverses of what is done.
    """

    def some(drawn: tf.Tensor, name: str) -> tf.Tensor:
        return sometimes(drawn, 0.0, name, draws, probability)

    flipped = some(tf.cast(draws.integers("flip", 2), tf.float32), "flip")
    quarters = some(tf.cast(draws.integers("turn", 4), tf.float32), "turn")
    shift = some((draws.uniform("shift", (2,)) * 2 - 1) * _SHIFT, "shift")
    return [
        planar.scaling(1 - 2 * flipped, tf.ones_like(flipped)),
        planar.rotation(quarters * (math.pi / 2)),
        planar.translation(-tf.round(shift[:, 0] * width), -tf.round(shift[:, 1] * height)),
    ]
