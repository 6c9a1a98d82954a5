"""ADA's groups of augmentations, in their order, with one resampling for all that moves pixels."""

import functools
import operator
from collections.abc import Collection

import tensorflow as tf

from dualcontrast.augmentation.ada import (
    blitting,
    color,
    cutout,
    filtering,
    geometry,
    noise,
    warp,
)
from dualcontrast.augmentation.draws import Draws

_MOVES = {"blit": blitting.blitting, "geom": geometry.geometry}
_CHANGES = {
    "color": color.color,
    "filter": filtering.filtering,
    "noise": noise.noise,
    "cutout": cutout.cutout,
}


def augment(
    images: tf.Tensor,
    draws: Draws,
    probability: tf.Tensor | float,
    groups: Collection[str],
    color_share: float = 1.0,
) -> tf.Tensor:
    """Returns images augmented by some of ADA's groups (Karras et al. 2020b, appendix B).

    Departs from nothing but the reach of mirrors (`warp`). A channel that says how opaque a pixel
    is goes through all but colour.

    Args:
      images: [batch, height, width, channels] float32 in [-1, 1]; sides of 8 or more, and 1, 3 or 4
        channels.
      draws: of the images.
      probability: of each augmentation of a group, for each image; with 0 images stay.
      groups: of "blit", "geom", "color", "filter", "noise" and "cutout".
      color_share: of the probability, that of each change of colours.
    """
    height, width = images.shape[1:3]
    maps = [
        one
        for name, move in _MOVES.items()
        if name in groups
        for one in move(height, width, draws.named(name), probability)
    ]
    if maps:
        images = warp.warp(images, functools.reduce(operator.matmul, maps))
    for name, change in _CHANGES.items():
        if name in groups:
            share = color_share if name == "color" else 1.0
            images = change(images, draws.named(name), probability * share)
    return images
