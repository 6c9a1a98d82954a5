"""Pixels that are in no file yet, as the image files that all other sources have."""

import numpy as np

from dualcontrast.tools.conversion import encoding

_PNM = {1: b"P5", 3: b"P6"}


def as_file(pixels: np.ndarray) -> bytes:
    """Returns uint8 [height, width, 1, 3 or 4] as an image file.

    PGM and PPM, which cost nothing to write and to read; they have no transparency, so that makes
    a PNG.
    """
    height, width, channels = pixels.shape
    if channels not in _PNM:
        return encoding.encode(np.ascontiguousarray(pixels), "png")
    return b"%b %d %d 255\n" % (_PNM[channels], width, height) + pixels.tobytes()
