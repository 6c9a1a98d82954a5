"""Damage that a decoder passes over, and long metadata that it stumbles over."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dualcontrast.tools.conversion import pixel_formats
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.evaluation import image_folder
from dualcontrast.trainer.errors import UserError

LIMIT = 1_000_000
END = b"\xff\xd9"


def picture(mode: str = "RGB") -> Image.Image:
    draw = np.random.default_rng(0)
    small = Image.fromarray(draw.integers(0, 256, (12, 12, 3), np.uint8))
    return small.resize((128, 128), Image.Resampling.BICUBIC).convert(mode)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    "restarts": {"restart_marker_blocks": 3},
    "full colour": {"subsampling": 0, "optimize": True},
}


def jpeg(mode: str = "RGB", **options) -> bytes:
    return saved(picture(mode), "jpeg", quality=90, **options)


@pytest.mark.parametrize("options", JPEGS.values(), ids=list(JPEGS))
@pytest.mark.parametrize("share", [0.5, 0.75, 0.97])
def test_a_jpeg_cut_with_an_end_marker_behind_is_rejected(options, share):
    content = jpeg(**options)
    assert pixel_formats.read(content, LIMIT).size == (128, 128)
    for end in (END, b"\xff\xff" + END, b"\xff\xd0" + END):
        with pytest.raises(Rejected):
            pixel_formats.read(content[: int(len(content) * share)] + end, LIMIT)


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
def test_a_png_of_which_a_checksum_fails_is_rejected(kind):
    content = saved(picture().quantize(64), "png", transparency=3)
    at = content.index(kind)
    length = int.from_bytes(content[at - 4 : at], "big")
    for place in range(at + 4 + length, at + 8 + length):
        damaged = bytearray(content)
        damaged[place] ^= 1
        with pytest.raises(Rejected, match=f"chunk {kind.decode()} fails its checksum"):
            pixel_formats.read(bytes(damaged), LIMIT)


@pytest.mark.parametrize("damage", ["checksum", "cut", "end marker"])
def test_evaluation_rejects_the_same(tmp_path, damage):
    content = jpeg() if damage == "end marker" else saved(picture(), "png")
    if damage == "checksum":
        place = content.index(b"IDAT") + 50
        content = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    else:
        content = content[: len(content) // 2] + END * (damage == "end marker")
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(content)
    with pytest.raises(UserError, match="0.png is (damaged|cut short)"):
        image_folder.open_folder(str(tmp_path), "--images", None, 10)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def long_chunks() -> dict[str, bytes]:
    long = zlib.compress(bytes(5_000_000))
    return {
        "zTXt": chunk(b"zTXt", b"Comment\0\0" + long),
        "iTXt": chunk(b"iTXt", b"Comment\0\1\0\0\0" + long),
        "tEXt": chunk(b"tEXt", b"Comment\0" + b"x" * 5_000_000),
        "iCCP": chunk(b"iCCP", b"profile\0\0" + long),
        "EXIF as text": chunk(b"zTXt", b"Raw profile type exif\0\0" + long),
        "many": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(900_000))) * 100,
    }


@pytest.mark.parametrize("kind", long_chunks())
def test_a_good_png_is_kept_whatever_is_said_about_it(kind):
    content = saved(picture(), "png")
    with_text = content[:33] + long_chunks()[kind] + content[33:]
    for data in (with_text, content[:-12] + long_chunks()[kind] + content[-12:]):
        assert pixel_formats.shown_size(io.BytesIO(data), LIMIT) == (128, 128)
        received = np.asarray(pixel_formats.read(data, LIMIT))
        np.testing.assert_array_equal(received, np.asarray(picture()))


def test_short_text_beside_the_orientation_changes_nothing():
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112] = 6
    text.add_text("Comment", "x" * 100, zip=True)
    wide = picture().resize((64, 32))
    shown = pixel_formats.read(saved(wide, "png", exif=exif, pnginfo=text), LIMIT)
    assert shown.size == (32, 64)


@pytest.mark.parametrize("kind", ["P5", "P6", "P3"])
def test_a_header_of_a_pnm_has_a_bound(kind):
    start = kind.encode() + b"\n#" + b"x" * 100_000 + b"\n8 8 255\n"
    for content in (start, start + bytes(192)):
        with pytest.raises(Rejected):
            pixel_formats.shown_size(io.BytesIO(content), LIMIT)
    sound = b"P6\n# of a camera\n2 1\n255\n" + bytes(range(6))
    received = np.asarray(pixel_formats.read(sound, LIMIT))
    assert received.tolist() == [[[0, 1, 2], [3, 4, 5]]]


@pytest.mark.parametrize("count", [201, 500, 3000])
def test_a_jpeg_of_too_many_scans_is_rejected_before_they_are_decoded(count):
    content = jpeg(progressive=True)
    last = content.rindex(b"\xff\xda")
    bomb = content[:-2] + content[last:-2] * count + END
    with pytest.raises(Rejected, match="more than 200 scans"):
        pixel_formats.read(bomb, LIMIT)
