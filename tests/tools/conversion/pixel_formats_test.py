"""Every kind of pixel becomes 8 bits by a rule, and what has none is rejected."""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import pixel_formats

LIMIT = 1_000_000


def saved(picture: Image.Image, kind: str = "png", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read(data: bytes) -> tuple[str, np.ndarray]:
    picture = pixel_formats.read(data, LIMIT)
    return picture.mode, np.asarray(picture)


def with_orientation(picture: Image.Image, kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(picture, kind, exif=exif)


@pytest.mark.parametrize("mode, channels", [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_8_bit_pixels_stay_as_they_are(bench, mode, channels):
    pixels = bench.pixels(0, 7, 9, channels)
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode)
    received = read(saved(picture))
    assert received[0] == mode
    np.testing.assert_array_equal(received[1].reshape(9, 7, channels), pixels)


@pytest.mark.parametrize(
    "colour_type, channels, mode", [(0, 1, "L"), (2, 3, "RGB"), (4, 2, "RGBA"), (6, 4, "RGBA")]
)
def test_16_bits_are_divided_by_257_and_rounded(bench, colour_type, channels, mode):
    values = np.random.default_rng(1).integers(0, 65536, (9, 7, channels), dtype=np.uint16)
    values[0, :4, 0] = 0, 128, 129, 65535  # 128 / 257 = 0.498, 129 / 257 = 0.502
    expected = np.rint(values / 257).astype(np.uint8)
    assert list(expected[0, :4, 0]) == [0, 0, 1, 255]
    received = pixel_formats.read(bench.png(values, colour_type, bits=16), LIMIT)
    if colour_type == 4:
        assert received.mode == "LA"
    else:
        assert received.mode == mode
    np.testing.assert_array_equal(np.asarray(received).reshape(9, 7, channels), expected)


@pytest.mark.parametrize("colour_type, channels", [(0, 1), (2, 3)])
def test_the_transparent_colour_of_16_bits_is_compared_at_16_bits(bench, colour_type, channels):
    values = np.full((8, 8, channels), 1000, np.uint16)
    values[0, 0] = 1001  # The same 8 bits, another colour.
    key = bench.chunk(b"tRNS", struct.pack(">H", 1000) * channels)
    received = np.asarray(pixel_formats.read(bench.png(values, colour_type, 16, key), LIMIT))
    assert received[0, 0, -1] == 255
    assert received[..., -1].sum() == 255


def test_a_grey_tiff_of_16_bits_is_divided_too():
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    mode, received = read(saved(Image.fromarray(values), "tiff"))
    assert mode == "L"
    np.testing.assert_array_equal(received, np.rint(values / 257))


def test_one_bit_is_black_and_white():
    bits = np.eye(8, dtype=bool)
    mode, received = read(saved(Image.fromarray(bits)))
    assert mode == "L"
    np.testing.assert_array_equal(received, np.where(bits, 255, 0))


def test_a_palette_becomes_its_colours(bench):
    picture = Image.fromarray(bench.pixels(2)).quantize(9)
    mode, received = read(saved(picture))
    assert mode == "RGB"
    np.testing.assert_array_equal(received, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_a_transparent_palette_entry_becomes_alpha(kind):
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((3, 2), 0)
    mode, received = read(saved(picture, kind, transparency=0))
    assert mode == "RGBA"
    assert received[2, 3, 3] == 0
    assert list(received[0, 0]) == [40, 50, 60, 255]


@pytest.mark.parametrize("mode, colour", [("L", 7), ("RGB", (1, 2, 3))])
def test_a_transparent_colour_becomes_alpha(mode, colour):
    picture = Image.new(mode, (8, 8), "white")
    picture.putpixel((3, 2), colour)
    received = read(saved(picture, transparency=colour))
    assert received[0] == f"{mode}A"
    assert received[1][2, 3, -1] == 0
    assert received[1][..., -1].sum() == 63 * 255


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_cmyk_becomes_rgb_with_red_still_red(kind):
    # Pillow writes Adobe's inverted kind into JPEGs; read wrongly, this red would be cyan.
    mode, received = read(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), kind))
    assert mode == "RGB"
    red, green, blue = received[4, 4]
    assert red > 240 and green < 15 and blue < 15


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_taken(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "webp" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert pixel_formats.read(data, LIMIT).convert("RGB").getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind, orientation):
    # A red corner: where it must come out is what the eight numbers mean (EXIF 2.3, 4.6.4 A).
    picture = Image.new("RGB", (32, 16))
    picture.paste("red", (0, 0, 8, 8))
    data = with_orientation(picture, kind, orientation)
    shown = pixel_formats.read(data, LIMIT)
    assert shown.size == pixel_formats.shown_size(io.BytesIO(data), LIMIT)
    assert shown.size == ((16, 32) if orientation >= 5 else (32, 16))
    right, bottom = {
        **{1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1)},
        **{5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)},
    }[orientation]
    corner = shown.getpixel(((shown.width - 1) * right, (shown.height - 1) * bottom))
    assert corner[0] > 200 and corner[1] < 60


def test_bmp_of_16_bits_is_read(bench):
    # 5 bits a channel, 0RRRRRGG GGGBBBBB: pure red.
    header = struct.pack("<2sIHHI", b"BM", 54 + 8 * 16, 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 16, 0, 128, 0, 0, 0, 0)
    mode, received = read(header + info + struct.pack("<H", 0x7C00) * 64)
    assert mode == "RGB" and list(received[0, 0]) == [255, 0, 0]


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "no image"),
        (b"<html><body>404 Not Found</body></html>", "no image"),
        (b"\x89PNG\r\n\x1a\n", "is cut short"),
        (saved(Image.new("F", (8, 8)), "tiff"), "kind F"),
        (saved(Image.new("I", (8, 8)), "tiff"), "kind I"),
        (saved(Image.new("LAB", (8, 8)), "tiff"), "kind LAB"),
    ],
    ids=["empty", "html", "signature", "float", "32-bit", "lab"],
)
def test_what_has_no_meaning_as_8_bits_is_rejected(data, reason):
    with pytest.raises(pixel_formats.Rejected, match=reason):
        pixel_formats.read(data, LIMIT)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "bmp", "tiff", "avif", "jpeg2000"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_image_is_rejected_not_half_grey(bench, kind, share):
    data = saved(Image.fromarray(bench.pixels(3, 64, 64)), kind)
    with pytest.raises(pixel_formats.Rejected):
        pixel_formats.read(data[: int(len(data) * share)], LIMIT)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "kind", ["png", "jpeg", "webp", "gif", "bmp", "tiff", "ppm", "avif", "jpeg2000"]
)
def test_flipped_bytes_give_pixels_or_a_rejection_and_nothing_else(bench, kind):
    data = saved(Image.fromarray(bench.pixels(4, 24, 24)), kind)
    random = np.random.default_rng(5)
    for _ in range(40):
        damaged = bytearray(data)
        for place in random.integers(0, len(data), 3):
            damaged[place] ^= 1 << random.integers(8)
        try:
            assert pixel_formats.read(bytes(damaged), LIMIT).mode in ("L", "LA", "RGB", "RGBA")
        except pixel_formats.Rejected as why:
            assert "\n" not in str(why)


def test_too_many_pixels_are_rejected_by_the_header(bench):
    # A few bytes that promise 1.2 GB; were the pixels touched, they would be found to be missing.
    bomb = bench.png(np.zeros((1, 1, 3)), 2)
    header = bench.chunk(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0))
    bomb = bomb[:8] + header + bomb[8 + len(header) :]
    with pytest.raises(
        pixel_formats.Rejected, match="20000x20000 pixels, more than --max_pixels=1000000"
    ):
        pixel_formats.read(bomb, LIMIT)


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}], ids=["box", "codestream"])
def test_jpeg_2000_is_read(bench, options):
    picture = Image.fromarray(bench.pixels(5))
    mode, received = read(saved(picture, "jpeg2000", **options))
    assert mode == "RGB"
    np.testing.assert_array_equal(received, bench.pixels(5))


def test_avif_is_read():
    mode, received = read(saved(Image.new("RGB", (16, 16), (200, 60, 90)), "avif", quality=100))
    assert mode == "RGB" and np.abs(received.astype(int) - (200, 60, 90)).max() <= 3


def test_heic_without_its_package_is_a_rejection_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(pixel_formats.Rejected, match=r"pip install 'dualcontrast\[heic\]'"):
        read(b"\0\0\0\x18ftypheic" + bytes(100))


def test_heic_is_read_where_its_package_is():
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (16, 16), (200, 60, 90))).save(file, quality=100)
    mode, received = read(file.getvalue())
    assert mode == "RGB" and np.abs(received.astype(int) - (200, 60, 90)).max() <= 4
