"""Colour profiles become sRGB: values from the definitions, whichever file they are in."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from dualcontrast.tools.conversion import colour, pixel_formats, pixels

LIMIT = 1_000_000
# Columns XYZ of red, green and blue, adapted to D50: of Display P3 and of Adobe RGB (1998).
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))


def s15(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile, version 2 (ICC.1:2001-04, 6)."""
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": text, b"wtpt": b"XYZ \0\0\0\0" + s15(0.9642, 1, 0.8249), **tags}
    start, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + table + data
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"", 0x02400000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + s15(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + body


def gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256)) + bytes(2)


def rgb_profile(columns, power: float) -> bytes:
    tags = {b"rXYZ": columns[0], b"gXYZ": columns[1], b"bXYZ": columns[2]}
    tags = {name: b"XYZ \0\0\0\0" + s15(*xyz) for name, xyz in tags.items()}
    return profile(b"RGB ", {**tags, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(power))})


def grey_profile(power: float) -> bytes:
    return profile(b"GRAY", {b"kTRC": gamma(power)})


def as_srgb(values: np.ndarray, columns, power: float) -> np.ndarray:
    """What the definitions make of uint8 [..., 3], in float64."""
    linear = (values / 255.0) ** (round(power * 256) / 256)
    linear = np.clip(linear @ np.array(columns) @ np.linalg.inv(SRGB), 0, 1)
    low, high = 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return 255 * np.where(linear <= 0.0031308, low, high)


def saved(picture: Image.Image, kind: str, icc: bytes | None) -> bytes:
    file = io.BytesIO()
    options = {} if icc is None else {"icc_profile": icc}
    if kind in ("webp", "avif"):
        options |= (
            {"lossless": True} if kind == "webp" else {"quality": 100, "subsampling": "4:4:4"}
        )
    picture.save(file, kind, **options)
    return file.getvalue()


def rules(side: int = 16, **others) -> pixels.Rules:
    values = {"resolution": side, "crop": "none", "filter": "lanczos", "channels": "rgb"}
    values |= {"background": (255, 255, 255), "upscale": False, "max_pixels": LIMIT}
    return pixels.Rules(**{**values, **others})


def noted(data: bytes, **others) -> tuple[np.ndarray, str]:
    image, note = pixels.convert_noted(data, rules(**others))
    return image.astype(int), note


@pytest.mark.parametrize("columns, power", [(P3, 2.2), (ADOBE, 2.19921875)], ids=["p3", "adobe"])
@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
def test_colours_are_those_of_the_definition(bench, kind, columns, power):
    values = bench.pixels(0)
    image, note = noted(saved(Image.fromarray(values), kind, rgb_profile(columns, power)))
    assert np.abs(image - as_srgb(values, columns, power)).max() <= 1.5 and not note
    assert np.abs(image - values).max() > 20


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff", "avif"])
def test_every_format_that_can_have_a_profile_is_converted(kind):
    values = np.full((16, 16, 3), (200, 60, 90), np.uint8)
    picture, icc = Image.fromarray(values), rgb_profile(ADOBE, 2.19921875)
    image, _ = noted(saved(picture, kind, icc))
    plain, _ = noted(saved(picture, kind, icc), icc="ignore")
    np.testing.assert_allclose(plain[8, 8], (200, 60, 90), atol=3)
    np.testing.assert_allclose(image[8, 8], as_srgb(values[8, 8], ADOBE, 2.19921875), atol=4)


def test_without_a_profile_or_with_that_of_srgb_nothing_changes(bench):
    picture = Image.fromarray(bench.pixels(1))
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc in (None, own):
        image, note = noted(saved(picture, "png", icc))
        np.testing.assert_array_equal(image, bench.pixels(1))
        assert note == ""


def test_ignored_profiles_change_nothing(bench):
    data = saved(Image.fromarray(bench.pixels(1)), "png", rgb_profile(P3, 2.2))
    image, note = noted(data, icc="ignore")
    np.testing.assert_array_equal(image, bench.pixels(1))
    assert note == ""


def test_alpha_stays_and_what_shows_through_is_srgb(bench):
    values = bench.pixels(2, channels=4)
    data = saved(Image.fromarray(values), "png", rgb_profile(P3, 2.2))
    expected = as_srgb(values[..., :3], P3, 2.2)
    image, _ = noted(data, channels="rgba")
    np.testing.assert_array_equal(image[..., 3], values[..., 3])
    assert np.abs(image[..., :3] - expected).max() <= 1.5
    image, _ = noted(data, background=(10, 20, 30))
    share = values[..., 3:] / 255
    assert np.abs(image - (share * expected + (1 - share) * [10, 20, 30])).max() <= 2


def test_grey_is_converted_by_a_profile_of_grey(bench):
    values = bench.pixels(3, channels=1)
    data = saved(Image.fromarray(values[..., 0]), "png", grey_profile(1.8))
    for channels in ("gray", "rgb"):
        image, note = noted(data, channels=channels)
        expected = as_srgb(np.repeat(values, 3, 2), SRGB, 1.8)[..., : image.shape[2]]
        assert np.abs(image - expected).max() <= 1.5 and not note


def test_a_palette_is_converted_by_a_profile_of_colours(bench):
    picture = Image.fromarray(bench.pixels(4)).quantize(16)
    image, _ = noted(saved(picture, "png", rgb_profile(P3, 2.2)))
    expected = as_srgb(np.asarray(picture.convert("RGB")), P3, 2.2)
    assert np.abs(image - expected).max() <= 1.5


def test_images_are_resized_before_their_colours_are_converted(bench):
    picture = Image.fromarray(bench.pixels(5, 32, 32))
    image, _ = noted(saved(picture, "png", rgb_profile(ADOBE, 2.19921875)))
    small = np.asarray(picture.resize((16, 16), Image.Resampling.LANCZOS))
    assert np.abs(image - as_srgb(small, ADOBE, 2.19921875)).max() <= 1.5


def test_profiles_that_differ_only_in_when_they_were_made_are_one(bench):
    colour._conversion.cache_clear()
    icc = rgb_profile(P3, 2.2)
    # Little CMS, as other programs, dates each profile that it makes, and some add a checksum.
    dates = [struct.pack(">6H", 2026, 11, 27, 22, 33, second) for second in range(3)]
    checksums = [bytes([second]) * 16 for second in range(3)]
    found = []
    for date, checksum in zip(dates, checksums):
        made = icc[:24] + date + icc[36:84] + checksum + icc[100:]
        found.append(noted(saved(Image.fromarray(bench.pixels(6)), "png", made))[0])
    assert colour._conversion.cache_info().misses == 1
    assert (found[0] == found[2]).all() and (found[0] != bench.pixels(6)).any()


def test_the_table_has_the_same_colours_as_the_library(bench, monkeypatch):
    monkeypatch.setattr(colour, "_COLOURS", 1 << 18)  # Those with a blue of up to 3.
    icc = rgb_profile(P3, 2.2)
    conversion = colour._conversion(icc, "RGB")
    picture = Image.fromarray(bench.pixels(6, 64, 64) & np.uint8([255, 255, 3]))
    by_library = np.asarray(conversion(picture))
    conversion._seen = colour._ENOUGH
    for _ in range(4):
        np.testing.assert_array_equal(np.asarray(conversion(picture)), by_library)
    assert conversion._filled == 1 << 18
    conversion._transform = None  # From here on it is not asked.
    np.testing.assert_array_equal(np.asarray(conversion(picture)), by_library)
    for unused in (0, 7, 255):  # The fourth byte of a pixel, of which Pillow promises nothing.
        four = np.dstack([np.asarray(picture), np.full((64, 64), unused, np.uint8)])
        same = Image.frombytes("RGB", (64, 64), four.tobytes(), "raw", "RGBX")
        assert same.tobytes("raw", "RGBX")[3] == unused
        np.testing.assert_array_equal(np.asarray(conversion(same)), by_library)


def jpeg_parts(data: bytes, numbers: list[tuple[int, int]], icc: bytes) -> bytes:
    """A JPEG file with a profile in parts, each with its number and their count."""
    size = -(-len(icc) // len(numbers))
    segments = b""
    for place, (number, count) in enumerate(numbers):
        part = b"ICC_PROFILE\0" + bytes([number, count]) + icc[place * size : (place + 1) * size]
        segments += b"\xff\xe2" + struct.pack(">H", len(part) + 2) + part
    return data[:2] + segments + data[2:]


def test_a_profile_in_parts_is_put_together():
    data = saved(Image.new("RGB", (16, 16), (200, 60, 90)), "jpeg", None)
    icc = rgb_profile(ADOBE, 2.19921875)
    whole, note = noted(jpeg_parts(data, [(1, 3), (2, 3), (3, 3)], icc))
    assert not note
    np.testing.assert_array_equal(whole, noted(jpeg_parts(data, [(1, 1)], icc))[0])
    image, note = noted(jpeg_parts(data, [(1, 3), (3, 3)], icc))
    assert "broken" in note
    np.testing.assert_array_equal(image, noted(data)[0])


def iccp(bench, content: bytes) -> bytes:
    sound = saved(Image.fromarray(bench.pixels(7)), "png", None)
    return sound[:33] + bench.chunk(b"iCCP", content) + sound[33:]


@pytest.mark.parametrize(
    "name, words",
    {
        "no profile": "broken",
        "cut": "broken",
        "not packed": "broken",
        "bomb": "broken",
        "grey": "is for GRAY, not RGB",
        "empty": "broken",
    }.items(),
)
def test_a_profile_that_cannot_be_used_is_a_note_and_no_rejection(bench, name, words):
    content = {
        "no profile": b"x\0\0" + zlib.compress(b"no profile at all" * 20),
        "cut": b"x\0\0" + zlib.compress(rgb_profile(P3, 2.2)[:200]),
        "not packed": b"x\0\0" + rgb_profile(P3, 2.2),
        "bomb": b"x\0\0" + zlib.compress(bytes(10_000_000), 1),
        "grey": b"x\0\0" + zlib.compress(grey_profile(2.2)),
        "empty": b"",
    }[name]
    image, note = noted(iccp(bench, content))
    assert words in note and "ignored" in note
    np.testing.assert_array_equal(image, bench.pixels(7))


def test_damaged_profiles_give_colours_or_a_note_and_nothing_else(bench):
    random, icc = np.random.default_rng(8), rgb_profile(ADOBE, 2.2)
    for _ in range(100):
        damaged = bytearray(icc)
        for place in random.integers(0, len(icc), 4):
            damaged[place] = random.integers(256)
        picture = Image.fromarray(bench.pixels(7))
        picture.info[colour.KEY] = bytes(damaged)
        converted, note = colour.to_srgb(picture)
        assert converted.mode == "RGB" and "\n" not in note


def test_cmyk_is_what_it_was_without_a_profile_and_with_a_broken_one():
    picture = Image.new("CMYK", (16, 16), (10, 200, 180, 20))
    plain = np.asarray(pixel_formats.read(saved(picture, "jpeg", None), LIMIT))
    image, note = noted(saved(picture, "jpeg", rgb_profile(P3, 2.2)))
    assert "is for RGB, not CMYK" in note
    np.testing.assert_array_equal(image, plain)
    kept = pixel_formats.read(saved(picture, "jpeg", rgb_profile(P3, 2.2)), LIMIT)
    assert kept.mode == "CMYK"
    np.testing.assert_array_equal(noted(saved(picture, "jpeg", b"x"), icc="ignore")[0], plain)
