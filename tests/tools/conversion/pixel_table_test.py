"""Bit depth x colour type x photometric meaning x key, against values computed by hand."""

import struct
import zlib

import numpy as np
import pytest

from dualcontrast.tools.conversion import pixel_formats

LIMIT = 1_000_000
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
BLACK, WHITE = 1, 0  # What 0 means in a TIFF.


def key(*samples: int) -> bytes:
    return struct.pack(f">{len(samples)}H", *samples)


# Depth, colour type, data of tRNS, the samples of two pixels as bytes, and what they stand for.
# 2 bits: 0, 85, 170, 255. 4 bits: 17 each. 16 bits: 0x0101 is 1, 0x7f80 is 127, 0x8080 is 128.
PNGS = [
    (1, GREY, None, b"\x40", [(0,), (255,)]),
    (1, GREY, key(1), b"\x40", [(0, 255), (255, 0)]),
    (1, GREY, key(0), b"\x40", [(0, 0), (255, 255)]),
    (2, GREY, None, b"\x60", [(85,), (170,)]),
    (2, GREY, key(2), b"\x60", [(85, 255), (170, 0)]),
    (4, GREY, None, b"\x3f", [(51,), (255,)]),
    (4, GREY, key(3), b"\x3f", [(51, 0), (255, 255)]),
    (4, GREY, key(0xFF3), b"\x3f", [(51, 0), (255, 255)]),  # Only the low bits count.
    (8, GREY, None, b"\x07\xff", [(7,), (255,)]),
    (8, GREY, key(7), b"\x07\xff", [(7, 0), (255, 255)]),
    (16, GREY, None, b"\x01\x01\x80\x80", [(1,), (128,)]),
    (16, GREY, key(0x0101), b"\x01\x01\x01\x02", [(1, 0), (1, 255)]),
    (8, RGB, None, bytes([1, 2, 3, 4, 5, 6]), [(1, 2, 3), (4, 5, 6)]),
    (8, RGB, key(4, 5, 6), bytes([1, 2, 3, 4, 5, 6]), [(1, 2, 3, 255), (4, 5, 6, 0)]),
    (16, RGB, None, b"\x01\x01\x80\x80\xff\xff" * 2, [(1, 128, 255)] * 2),
    (16, RGB, key(1, 2, 3), b"\0\1\0\2\0\3\0\1\0\2\0\4", [(0, 0, 0, 0), (0, 0, 0, 255)]),
    (1, PALETTE, None, b"\x40", [(10, 20, 30), (40, 50, 60)]),
    (2, PALETTE, b"\x00", b"\x10", [(10, 20, 30, 0), (40, 50, 60, 255)]),
    (4, PALETTE, b"\xff\x80", b"\x01", [(10, 20, 30, 255), (40, 50, 60, 128)]),
    (8, PALETTE, b"\x00\x80", b"\x01\x00", [(40, 50, 60, 128), (10, 20, 30, 0)]),
    (8, GREY_ALPHA, None, bytes([7, 8, 9, 0]), [(7, 8), (9, 0)]),
    (16, GREY_ALPHA, None, b"\x01\x01\x80\x80" * 2, [(1, 128)] * 2),
    (8, RGBA, None, bytes(range(8)), [(0, 1, 2, 3), (4, 5, 6, 7)]),
    (16, RGBA, None, b"\x01\x01\x80\x80\xff\xff\x7f\x80" * 2, [(1, 128, 255, 127)] * 2),
]

# Depth, what 0 means, the samples of two pixels (the low byte first), and their grey.
TIFFS = [
    (1, BLACK, b"\x40", [0, 255]),
    (1, WHITE, b"\x40", [255, 0]),
    (4, BLACK, b"\x3f", [51, 255]),
    (4, WHITE, b"\x3f", [204, 0]),
    (8, BLACK, b"\x07\xff", [7, 255]),
    (8, WHITE, b"\x07\xff", [248, 0]),
    (16, BLACK, b"\x01\x01\x80\x80", [1, 128]),
    (16, WHITE, b"\x01\x01\x80\x80", [254, 127]),
    (16, WHITE, b"\x00\x00\xff\xff", [255, 0]),
]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(depth: int, colour_type: int, transparency: bytes | None, row: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", 2, 1, depth, colour_type, 0, 0, 0)
    palette = chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60])) if colour_type == PALETTE else b""
    alpha = b"" if transparency is None else chunk(b"tRNS", transparency)
    data = chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + alpha + data


def tiff(depth: int, photometric: int, row: bytes) -> bytes:
    tags = {
        **{256: 2, 257: 1, 258: depth, 259: 1, 262: photometric},
        **{273: 8, 277: 1, 278: 1, 279: len(row)},
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    place = 8 + 4  # The row takes up to four bytes.
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", place) + row.ljust(4, b"\0") + directory


def pixels(content: bytes) -> list:
    return np.asarray(pixel_formats.read(content, LIMIT)).reshape(2, -1).tolist()


@pytest.mark.parametrize("depth, colour_type, transparency, row, expected", PNGS)
def test_samples_of_a_png_are_what_they_stand_for(depth, colour_type, transparency, row, expected):
    assert pixels(png(depth, colour_type, transparency, row)) == [list(each) for each in expected]


@pytest.mark.parametrize("depth, photometric, row, expected", TIFFS)
def test_samples_of_a_tiff_are_what_they_stand_for(depth, photometric, row, expected):
    assert pixels(tiff(depth, photometric, row)) == [[value] for value in expected]
