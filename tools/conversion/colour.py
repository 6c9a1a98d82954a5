"""Colour profiles: what an image's numbers mean, and the same colours in sRGB.

Relative colorimetric, by Little CMS (Pillow's ImageCms). A profile that moves no colour by more
than 1 of 255 is sRGB by another name, and changes nothing.

Little CMS takes a fifth of the time of a conversion of 256x256 pixels. So the first images of a
profile also fill a table of all 2^24 colours, from which the rest are read: the same numbers, in
half to nine tenths of the time, as memory is fast.
"""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

KEY = "icc_profile"  # In `Image.info`, as Pillow has it.
MOST_BYTES = 8 << 20  # Of a profile; those of printers have 3 MB.
BROKEN = b""  # Stands for a profile that cannot be taken out of its file.

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_SAME = 1
# In a profile's header: the date and time of its creation, and a checksum of the whole.
_DATE, _CHECKSUM = slice(24, 36), slice(84, 100)
_COLOURS, _AT_ONCE = 1 << 24, 1 << 16
_ENOUGH = 64  # Images of a profile before its table is begun.


def to_srgb(picture: Image.Image) -> tuple[Image.Image, str]:
    """Returns a picture in sRGB, and what is to be said about its profile; mostly nothing.

    Args:
      picture: L, LA, RGB, RGBA or CMYK, perhaps with a profile in its info.

    Returns:
      The same picture if it has no profile, or one that cannot be used, of which the note says so;
      never CMYK, and without a profile.
    """
    profile = picture.info.pop(KEY, None)
    note = ""
    if profile is not None:
        bands = picture.mode.removesuffix("A")
        conversion = _conversion(_undated(profile), bands)
        if isinstance(conversion, _Conversion):
            return _with_alpha_of(picture, conversion(_without_alpha(picture, bands))), ""
        note = conversion
    return (picture.convert("RGB") if picture.mode == "CMYK" else picture), note


def _undated(profile: bytes) -> bytes:
    """Returns a profile that is the same for all files for which a program made it anew."""
    anonymous = bytearray(profile)
    for part in (_DATE, _CHECKSUM):
        anonymous[part] = bytes(len(anonymous[part]))
    return bytes(anonymous)


def _without_alpha(picture: Image.Image, bands: str) -> Image.Image:
    if picture.mode == bands:
        return picture
    return picture.getchannel("L") if bands == "L" else picture.convert(bands)


def _with_alpha_of(picture: Image.Image, converted: Image.Image) -> Image.Image:
    if picture.mode.endswith("A"):
        converted.putalpha(picture.getchannel("A"))
    return converted


@functools.lru_cache(maxsize=4)
def _conversion(profile: bytes, mode: str) -> "_Conversion | str":
    """What brings pixels of a mode to sRGB, or why nothing does; empty if nothing has to."""
    if len(profile) > MOST_BYTES:
        return f"its colour profile has {len(profile):,} bytes and was ignored"
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = parsed.profile.xcolor_space.strip()
        if space != _SPACES[mode]:
            return f"its colour profile is for {space}, not {_SPACES[mode]}, and was ignored"
        conversion = _Conversion(parsed, mode)
        return "" if conversion.changes_nothing() else conversion
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return "its colour profile is broken and was ignored"


class _Conversion:
    """From the pixels of one kind and one profile to sRGB, grey or RGB."""

    def __init__(self, profile: ImageCms.ImageCmsProfile, mode: str):
        self._mode = mode
        self._transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        self._seen = self._filled = 0
        self._table: np.ndarray | None = None

    def changes_nothing(self) -> bool:
        """Whether it leaves colours from all over the cube where they are."""
        if self._mode == "CMYK":
            return False
        steps = np.arange(0, 256, 15 if self._mode == "RGB" else 1, dtype=np.uint8)
        axes = np.meshgrid(*[steps] * len(self._mode), indexing="ij")
        grid = np.stack([axis.reshape(1, -1) for axis in axes], axis=-1)
        before = Image.fromarray(grid if self._mode == "RGB" else grid[..., 0])
        after = np.asarray(self._by_transform(before)).reshape(grid.shape)
        return int(np.abs(after.astype(int) - grid).max()) <= _SAME

    def __call__(self, picture: Image.Image) -> Image.Image:
        """Returns the picture in sRGB."""
        if self._mode != "RGB":
            return self._by_transform(picture)
        if self._filled == _COLOURS:
            return self._by_table(picture)
        self._seen += 1
        if self._seen > _ENOUGH:
            self._fill()
        return self._by_transform(picture)

    def _by_transform(self, picture: Image.Image) -> Image.Image:
        converted = ImageCms.applyTransform(picture, self._transform)
        # Grey stays grey: all three are the same.
        return converted.getchannel("G") if self._mode == "L" else converted

    def _by_table(self, picture: Image.Image) -> Image.Image:
        # Wrapped, a place in the table is its number modulo 2^24, whatever X is.
        places = np.frombuffer(picture.tobytes("raw", "RGBX"), "<i4")
        found = np.take(self._table, places, mode="wrap")
        return Image.frombytes("RGB", picture.size, found.data, "raw", "RGBX")

    def _fill(self) -> None:
        """Fills a part of the table, as many colours as a small image has pixels."""
        if self._table is None:
            self._table = np.empty(_COLOURS, "<u4")
        part = slice(self._filled, self._filled + _AT_ONCE)
        colours = np.arange(part.start, part.stop, dtype="<u4").tobytes()
        picture = Image.frombytes("RGB", (_AT_ONCE, 1), colours, "raw", "RGBX")
        converted = self._by_transform(picture).tobytes("raw", "RGBX")
        self._table[part] = np.frombuffer(converted, "<u4")
        self._filled = part.stop
