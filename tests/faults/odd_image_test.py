"""Odd and damaged images: each is the right picture or a rejection, and never anything else."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import pixel_formats
from dualcontrast.tools.conversion.rejected import Rejected

LIMIT = 1_000_000
EACH = 10  # Images of a kind.
PART = 2  # Of them in `make test`.


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(draw, channels: int = 3) -> np.ndarray:
    width, height = draw.integers(9, 60, 2)
    return draw.integers(0, 256, (height, width, channels), np.uint8)


def photo(draw) -> Image.Image:
    """A picture of many blocks, as large as that a missing part of it is seen."""
    small = draw.integers(0, 256, (9, 9, 3), np.uint8)
    return Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values: np.ndarray, colour_type: int, bits: int, extra: bytes = b"") -> bytes:
    """A PNG file, its samples packed by hand."""
    height, width, channels = values.shape
    rows = []
    for row in values.reshape(height, width * channels):
        places = bits * np.arange(row.size)
        number = sum(int(v) << (bits * row.size - bits - int(p)) for v, p in zip(row, places))
        unused = -bits * row.size % 8
        rows.append(b"\0" + (number << unused).to_bytes((bits * row.size + 7) // 8, "big"))
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = (chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(b"".join(rows))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def tiff(values: np.ndarray, bits: int, photometric: int) -> bytes:
    """A grey TIFF file of one strip, 8 or 16 bits."""
    height, width = values.shape
    data = values.astype(f"<u{bits // 8}").tobytes()
    tags = {
        **{256: width, 257: height, 258: bits, 259: 1, 262: photometric},
        **{273: 8, 277: 1, 278: height, 279: len(data)},
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory


def scaled(values: np.ndarray, largest: int) -> np.ndarray:
    return np.floor(values.astype(np.float64) * 255 / largest + 0.5).astype(np.uint8)


def lossless(kind: str):
    def make(draw):
        values = noise(draw)
        options = {"lossless": True} if kind == "webp" else {}
        return saved(Image.fromarray(values), kind, **options), values

    return make


def grey_png(bits: int):
    def make(draw):
        values = draw.integers(0, 1 << bits, (13, 11, 1))
        return png(values, 0, bits), scaled(values, (1 << bits) - 1)

    return make


def keyed_png(bits: int):
    def make(draw):
        values = draw.integers(0, 1 << bits, (13, 11, 1))
        key = int(values[3, 4, 0])
        alpha = np.where(values == key, 0, 255).astype(np.uint8)
        content = png(values, 0, bits, chunk(b"tRNS", struct.pack(">H", key)))
        return content, np.concatenate([scaled(values, (1 << bits) - 1), alpha], axis=2)

    return make


def colour_16(colour_type: int, channels: int):
    def make(draw):
        values = draw.integers(0, 65536, (9, 7, channels))
        return png(values, colour_type, 16), scaled(values, 65535)

    return make


def grey_tiff(bits: int, photometric: int):
    def make(draw):
        values = draw.integers(0, 1 << bits, (9, 7))
        expected = scaled(values, (1 << bits) - 1)[..., None]
        return tiff(values, bits, photometric), 255 - expected if photometric == 0 else expected

    return make


def with_long_text(draw):
    values = noise(draw)
    text = b"Comment\0\0" + zlib.compress(bytes(int(draw.integers(2, 6)) << 20))
    return png(values, 2, 8, chunk(b"zTXt", text)), values


def cut(kind: str, end: bytes = b"", **options):
    def make(draw):
        content = saved(photo(draw), kind, **options)
        return content[: int(len(content) * draw.uniform(0.4, 0.8))] + end, None

    return make


def with_wrong_checksum(draw):
    content = bytearray(saved(photo(draw), "png"))
    place = content.index(b"IDAT") + 4 + int(draw.integers(10, 400))
    content[place] ^= 1 << int(draw.integers(8))
    return bytes(content), None


def with_wrong_checksum_of_the_palette(draw):
    content = bytearray(saved(photo(draw).quantize(200), "png"))
    content[content.index(b"PLTE") + 4 + int(draw.integers(500))] ^= 1 << int(draw.integers(8))
    return bytes(content), None


def without_a_restart(draw):
    """A part between two restart markers is left out."""
    content = saved(photo(draw), "jpeg", restart_marker_blocks=2)
    places = [
        i for i in range(len(content) - 1) if content[i] == 255 and 208 <= content[i + 1] < 216
    ]
    first = int(draw.integers(len(places) - 1))
    return content[: places[first]] + content[places[first + 1] :], None


def beyond_the_palette(draw):
    values = draw.integers(0, 3, (8, 8, 1))
    values[1, 2] = 3 + draw.integers(100)
    return png(values, 3, 8, chunk(b"PLTE", bytes(9))), None


def no_image(draw):
    return draw.bytes(int(draw.integers(0, 3000))), None


def signature_only(draw):
    starts = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"RIFF", b"P6"]
    return starts[int(draw.integers(len(starts)))] + draw.bytes(int(draw.integers(200))), None


def page(draw):
    return b"<!DOCTYPE html><html><body>404 %d</body></html>" % draw.integers(9**9), None


# What makes (content, expected pixels [h, w, c], or None: to be rejected).
KINDS = {
    **{f"{kind} of noise": lossless(kind) for kind in ("png", "webp", "bmp", "tiff", "ppm")},
    **{f"grey of {bits} bits": grey_png(bits) for bits in (1, 2, 4, 8, 16)},
    **{f"a transparent grey of {bits} bits": keyed_png(bits) for bits in (2, 4, 8, 16)},
    "RGB of 16 bits": colour_16(2, 3),
    "RGBA of 16 bits": colour_16(6, 4),
    "TIFF, 0 is black, 16 bits": grey_tiff(16, 1),
    "TIFF, 0 is white, 8 bits": grey_tiff(8, 0),
    "TIFF, 0 is white, 16 bits": grey_tiff(16, 0),
    "long compressed text": with_long_text,
    "PNG cut": cut("png"),
    "JPEG cut": cut("jpeg", quality=95),
    "JPEG cut, end marker": cut("jpeg", b"\xff\xd9", quality=95),
    "progressive JPEG cut, end marker": cut("jpeg", b"\xff\xd9", quality=95, progressive=True),
    "a restart interval missing": without_a_restart,
    "checksum of pixels": with_wrong_checksum,
    "checksum of the palette": with_wrong_checksum_of_the_palette,
    "colours beyond the palette": beyond_the_palette,
    "random bytes": no_image,
    "a signature, then nothing of it": signature_only,
    "a page": page,
}


def check(kind: str, number: int) -> None:
    draw = np.random.default_rng([list(KINDS).index(kind), number])
    content, expected = KINDS[kind](draw)
    if expected is None:
        with pytest.raises(Rejected) as rejection:
            pixel_formats.read(content, LIMIT)
        assert len(str(rejection.value).splitlines()) == 1
    else:
        received = np.atleast_3d(np.asarray(pixel_formats.read(content, LIMIT)))
        np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_image_is_the_right_picture_or_rejected(kind, count_faults):
    count_faults("odd images", PART)
    for number in range(PART):
        check(kind, number)


@pytest.mark.faults
@pytest.mark.parametrize("number", range(EACH))
@pytest.mark.parametrize("kind", KINDS)
def test_all_odd_images(kind, number, count_faults):
    count_faults("odd images", 1)
    check(kind, number)


def test_there_are_at_least_300_of_them():
    assert len(KINDS) * EACH >= 300
