"""What 8-bit picture an image file stands for: one rule for every kind of pixel.

grey, RGB, and either with alpha        as they are
1 bit                                   black and white
palette                                 its colours, with alpha if the palette has it
a transparent colour (PNG, GIF)         alpha 0 where it is used
16 bits a channel (PNG, grey TIFF)      value / 257, rounded: 65535 is 255
CMYK, YCCK, YCbCr (JPEG, TIFF)          RGB, with Adobe's inverted CMYK turned round
several frames                          the first
EXIF orientation                        applied
a colour profile                        ignored
32-bit numbers, LAB, 16-bit colour TIFF rejected: they have no one meaning as 8 bits
"""

import io
import warnings
from typing import BinaryIO

import numpy as np
from PIL import Image

# Pillow reads many more, some of which nobody has looked at for years.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

_PLAIN = ("L", "LA", "RGB", "RGBA")
_CONVERTED = {"1": "L", "P": "RGB", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB"}

# Pillow keeps the high byte of 16-bit colour. Reading the same data as if its bytes were in the
# other order gives the low byte; grey with alpha, 2 x 16 bits, can be read as 4 x 8.
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", "LA;16B": "RGBA"}

_ORIENTATION = 0x0112  # The EXIF tag.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)

warnings.filterwarnings("ignore", module="PIL")  # About odd files, without saying which.
Image.MAX_IMAGE_PIXELS = None  # The limit here is the caller's, and holds for every format.


class Rejected(Exception):
    """Why an image cannot be used; the text goes to rejected.csv."""


def shown_size(file: BinaryIO, max_pixels: int) -> tuple[int, int]:
    """Returns the width and height of an image as it is shown, from its header.

    Raises:
      Rejected: it is no image, or it has more than `max_pixels`.
    """
    image = _open(file, max_pixels)
    # Pillow turns TIFFs itself and gives their size as shown.
    lying = image.format != "TIFF" and _orientation(image) in _LYING
    return image.size[::-1] if lying else image.size


def read(data: bytes, max_pixels: int) -> Image.Image:
    """Returns the first frame of an image file, upright, as L, LA, RGB or RGBA.

    Raises:
      Rejected: it cannot be decoded to its end, has more than `max_pixels`, or its pixels have no
        one meaning as 8 bits.
    """
    image = _open(io.BytesIO(data), max_pixels)
    try:
        picture = _to_8_bit(image, data)
        orientation = _orientation(image)  # After decoding: Pillow has turned TIFFs by then.
    except Rejected:
        raise
    except Exception as error:  # Pillow raises almost anything for files that were made to harm.
        raise Rejected(f"cannot be decoded: {_first_line(error)}") from error
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


def _open(file: BinaryIO, max_pixels: int) -> Image.Image:
    """Opens an image by its header alone: nothing is decoded yet."""
    try:
        image = Image.open(file, formats=FORMATS)
    except Exception as error:
        raise Rejected("is no image of a known format (" + ", ".join(FORMATS) + ")") from error
    width, height = image.size
    if width * height > max_pixels:
        raise Rejected(f"has {width}x{height} pixels, more than --max_pixels={max_pixels}")
    return image


def _orientation(image: Image.Image) -> int | None:
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:  # Damaged EXIF in a sound picture: nobody knows how it was meant to lie.
        return None


def _to_8_bit(image: Image.Image, data: bytes) -> Image.Image:
    raw_mode = _raw_mode(image)
    if image.mode.startswith("I;16"):
        return _grey_16(image)
    if raw_mode in _LOW_BYTES and image.format == "PNG":
        return _colour_16(image, data, raw_mode)
    if "16" in raw_mode and image.format != "BMP":  # A BMP of 16 bits has 5 or 6 a channel.
        raise Rejected(f"has 16 bits a channel in a {image.format}; save it as PNG")
    image.load()
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("RGBA")
    if image.mode in _PLAIN:
        return image
    if image.mode not in _CONVERTED:
        raise Rejected(f"has pixels of kind {image.mode}, which have no one meaning as 8 bits")
    return image.convert(_CONVERTED[image.mode])


def _raw_mode(image: Image.Image) -> str:
    """How Pillow calls the layout of the file's pixels."""
    tile = getattr(image, "tile", None)  # only pictures from files have it
    arguments = tile[0].args if tile else ""
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return raw_mode if isinstance(raw_mode, str) else ""


def _grey_16(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    return _with_key(_divide(values)[..., None], values[..., None], image.info.get("transparency"))


def _colour_16(image: Image.Image, data: bytes, raw_mode: str) -> Image.Image:
    again = Image.open(io.BytesIO(data), formats=["PNG"])
    again.tile = [tile._replace(args=_LOW_BYTES[raw_mode]) for tile in again.tile]
    low = np.asarray(again).astype(np.uint16)
    if raw_mode == "LA;16B":
        values = low[..., ::2] << 8 | low[..., 1::2]
    else:
        values = np.asarray(image).astype(np.uint16) << 8 | low
    return _with_key(_divide(values), values, image.info.get("transparency"))


def _divide(values: np.ndarray) -> np.ndarray:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _with_key(pixels: np.ndarray, values: np.ndarray, key: int | tuple | None) -> Image.Image:
    """A picture of `pixels` [h, w, c], transparent where the 16-bit `values` are the key colour."""
    if key is not None:
        opaque = (values != np.array(key)).any(axis=2, keepdims=True)
        pixels = np.concatenate([pixels, np.where(opaque, 255, 0).astype(np.uint8)], axis=2)
    return Image.fromarray(
        pixels[..., 0] if pixels.shape[2] == 1 else pixels, _MODE[pixels.shape[2]]
    )


_MODE = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
