"""A damaged image is a row in rejected.csv, and no line that names no file."""

import contextlib
import io
import os

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import decoder_noise, pixel_formats


def damaged(compression: str) -> bytes:
    """A TIFF of which the C library has something to say."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "tiff", compression=compression)
    content = bytearray(file.getvalue())
    for place in range(60, 400, 3):
        content[place] ^= 0x55
    return bytes(content)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_decoder_prints_nothing(compression, capfd):
    with contextlib.suppress(pixel_formats.Rejected):
        pixel_formats.read(damaged(compression), 10_000)
    assert capfd.readouterr().err == ""


def test_standard_error_is_there_again_afterwards(capfd):
    with pytest.raises(ValueError), decoder_noise.held_back():
        os.write(2, b"noise\n")
        raise ValueError
    os.write(2, b"words\n")
    assert capfd.readouterr().err == "words\n"
