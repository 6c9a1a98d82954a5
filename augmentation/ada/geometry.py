"""General geometry: scales, rotations and fractional shifts, as maps of the plane."""

import math

import tensorflow as tf

from dualcontrast.augmentation.ada import planar
from dualcontrast.augmentation.ada.chance import sometimes
from dualcontrast.augmentation.draws import Draws

_SCALE = 0.2  # deviation of the scale's logarithm to base 2
_SHIFT = 0.125  # deviation, of the side


def geometry(
    height: int, width: int, draws: Draws, probability: tf.Tensor | float
) -> list[tf.Tensor]:
    """Returns where a pixel of the result comes from, as maps to be multiplied in this order.

    A scale, a rotation, a scale of x against y, a second rotation, which makes its direction any,
    and a shift (Karras et al. 2020b, appendix B), each for a share of the images. The two rotations
    together turn as many images as one of the others changes.

    Args:
      height, width: of the images, whose middle is the origin.
      draws: of the images.
      probability: of each.

    Returns:
      Maps, [images, 3, 3] float32 each, in pixels: the inverses of what is done.
    """
    of_rotation = 1 - tf.sqrt(tf.maximum(1.0 - probability, 0.0))

    def scale(name: str) -> tf.Tensor:
        return 2 ** -sometimes(draws.normal(name) * _SCALE, 0.0, name, draws, probability)

    def rotation(name: str) -> tf.Tensor:
        angle = (draws.uniform(name) * 2 - 1) * math.pi
        return planar.rotation(sometimes(angle, 0.0, name, draws, of_rotation))

    both, stretch = scale("scale"), scale("stretch")
    move = sometimes(draws.normal("move", (2,)) * _SHIFT, 0.0, "move", draws, probability)
    return [
        planar.scaling(both, both),
        rotation("first_rotation"),
        planar.scaling(stretch, 1 / stretch),
        rotation("second_rotation"),
        planar.translation(-move[:, 0] * width, -move[:, 1] * height),
    ]
