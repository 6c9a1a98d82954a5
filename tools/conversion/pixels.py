"""From an image file to the pixels of a dataset: crop, background, channels, resize."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from dualcontrast.tools.conversion import colour, pixel_formats
from dualcontrast.tools.conversion.rejected import Rejected

CROPS = ("none", "center", "squash", "celeba")
FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}
CHANNELS = {"gray": 1, "rgb": 3, "rgba": 4}
_MODES = {"gray": "L", "rgb": "RGB", "rgba": "RGBA"}
ICC = ("srgb", "ignore")

# The usual crop of aligned CelebA: 128x128 about the face.
_CELEBA_SIZE = (178, 218)
_CELEBA_BOX = (89 - 64, 121 - 64, 89 + 64, 121 + 64)


@dataclass(frozen=True)
class Rules:
    """How images become alike.

    Attributes:
      resolution: width and height of the result, or None: as the images are.
      crop: one of `CROPS`.
      filter: one of `FILTERS`.
      channels: one of `CHANNELS`.
      background: red, green, blue that show through where an image is transparent.
      upscale: whether an image that is smaller than the result is enlarged, not rejected.
      max_pixels: images with more are rejected before they are decoded.
      icc: one of `ICC`, what becomes of a colour profile: it is applied, or not looked at.
    """

    resolution: int | None
    crop: str
    filter: str
    channels: str
    background: tuple[int, int, int]
    upscale: bool
    max_pixels: int
    icc: str = "srgb"


def convert(data: bytes, rules: Rules) -> np.ndarray:
    """Returns an image file as uint8 [resolution, resolution, channels].

    Raises:
      Rejected: it cannot be decoded, or the rules do not fit it.
    """
    return convert_noted(data, rules)[0]


def convert_noted(data: bytes, rules: Rules) -> tuple[np.ndarray, str]:
    """Returns what `convert` does, and what is to be said about the image, mostly nothing.

    Raises:
      Rejected: as there.
    """
    picture = _cropped(pixel_formats.read(data, rules.max_pixels), rules.crop)
    early = late = ""
    if rules.icc == "ignore":
        picture.info.pop(colour.KEY, None)
    if picture.mode != _MODES[rules.channels]:
        # Its numbers are about to become others, of which the profile knows nothing.
        picture, early = colour.to_srgb(picture)
        picture = _with_channels(picture, rules)
    target = (rules.resolution, rules.resolution)
    if picture.size != target:
        _check_resize(picture.size, rules)
        picture = picture.resize(target, FILTERS[rules.filter])
    picture, late = colour.to_srgb(picture)  # After resizing, when there is less to convert.
    pixels = np.asarray(picture)
    return pixels.reshape(*target, CHANNELS[rules.channels]), early or late


def cropped_size(size: tuple[int, int], crop: str) -> tuple[int, int]:
    """Returns the width and height that a crop leaves of an image.

    Raises:
      Rejected: the crop is not for images of this size.
    """
    left, top, right, bottom = _box(size, crop)
    return right - left, bottom - top


def _box(size: tuple[int, int], crop: str) -> tuple[int, int, int, int]:
    """The left, top, right and bottom edge of what is kept."""
    width, height = size
    if crop == "celeba":
        if size != _CELEBA_SIZE:
            raise Rejected(f"is {width}x{height}, --crop=celeba is for 178x218")
        return _CELEBA_BOX
    if crop == "center":
        side = min(size)
        left, top = (width - side) // 2, (height - side) // 2
        return left, top, left + side, top + side
    return 0, 0, width, height


def _cropped(picture: Image.Image, crop: str) -> Image.Image:
    box = _box(picture.size, crop)
    return picture if box == (0, 0, *picture.size) else picture.crop(box)


def _check_resize(size: tuple[int, int], rules: Rules) -> None:
    width, height = size
    if width != height and rules.crop == "none":
        raise Rejected(f"is {width}x{height}, not square, and --crop=none")
    if min(size) < rules.resolution and not rules.upscale:
        raise Rejected(f"is {width}x{height}, too small for {rules.resolution} without --upscale")


def _with_channels(picture: Image.Image, rules: Rules) -> Image.Image:
    if rules.channels == "rgba":
        return picture.convert("RGBA")
    if picture.mode in ("LA", "RGBA"):
        ground = Image.new("RGBA", picture.size, (*rules.background, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    return picture.convert("L" if rules.channels == "gray" else "RGB")
