"""The square window around every pixel, and what lies beyond the border."""

import tensorflow as tf

from dualcontrast.custom_ops import local_aggregation

# What a window reads outside of the image, by the mode of tf.pad.
BORDERS = {"reflect": "REFLECT", "zero": "CONSTANT"}


def check(layer: str, patch_size: int, border: str) -> None:
    """Checks the arguments that describe a window.

    Raises:
      ValueError: the side is even or out of range, or the border is unknown.
    """
    most = local_aggregation.MAX_WINDOW
    if not 1 <= patch_size <= most or patch_size % 2 == 0:
        raise ValueError(f"{layer}: patch_size must be odd, 1 to {most}, got {patch_size}")
    if border not in BORDERS:
        raise ValueError(f"{layer}: border must be one of {', '.join(BORDERS)}, got {border!r}")


def check_map(layer: str, patch_size: int, border: str, sides: tuple[int, int]) -> None:
    """Checks that maps of these sides are large enough to be reflected.

    Raises:
      ValueError: they are not.
    """
    if border == "reflect" and patch_size // 2 > min(sides) - 1:
        raise ValueError(
            f"{layer}: a patch_size of {patch_size} reflects at most {min(sides) - 1} pixels of"
            f" maps of {sides[0]}x{sides[1]}, so it must be <= {2 * min(sides) - 1};"
            " or take border='zero'"
        )


def pad(x: tf.Tensor, patch_size: int, border: str) -> tf.Tensor:
    """Returns [batch, height + patch_size - 1, width + patch_size - 1, channels]."""
    side = patch_size // 2
    if side == 0:
        return x
    return tf.pad(x, [[0, 0], [side, side], [side, side], [0, 0]], BORDERS[border])


def groups(layer: str, channels: int, sharing: int) -> int:
    """Returns the number of distinct weight maps when `sharing` channels use each.

    Raises:
      ValueError: `sharing` does not divide the channels.
    """
    if channels % sharing:
        raise ValueError(f"{layer}: sharing must divide the {channels} channels, got {sharing}")
    return channels // sharing


def split_maps(weights: tf.Tensor, taps: int, maps: int) -> tf.Tensor:
    """Returns [batch, height, width, taps, maps] of [batch, height, width, taps * maps]."""
    height, width = weights.shape[1:3]
    batch = tf.shape(weights)[0] if weights.shape[0] is None else weights.shape[0]
    return tf.reshape(weights, [batch, height, width, taps, maps])
