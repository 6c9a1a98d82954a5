"""What 8-bit picture an image file stands for: one rule for every kind of pixel.

grey, RGB, and either with alpha        as they are
1, 2 or 4 bits of grey                  value / largest value, times 255
palette                                 its colours, with alpha if the palette has it
a transparent colour (PNG, GIF)         alpha 0 where it is used, compared at the depth of the file
16 bits a channel (PNG, grey TIFF, PGM) value / 257, rounded: 65535 is 255
12 bits (grey TIFF)                     value / 4095 * 255, rounded
white is 0 (TIFF)                       turned round
CMYK, YCCK, YCbCr (JPEG, TIFF)          RGB, with Adobe's inverted CMYK turned round
several frames                          the first
EXIF orientation                        applied
a colour profile                        handed on, with CMYK that has one (see colour.py)
signed or 32-bit numbers, LAB           rejected: they have no one meaning as 8 bits
16-bit colour TIFF                      rejected: Pillow keeps half of it

What these rules go by is what the file says of its samples, not how Pillow keeps them.
"""

import io
import warnings
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin

from dualcontrast.tools.conversion import colour, decoder_noise, jpeg_file, png_file
from dualcontrast.tools.conversion.png_file import Png
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.trainer import errors

# Pillow reads many more, some of which nobody has looked at for years.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")

_CONVERTED = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "CMYK": "RGB", "YCbCr": "RGB"}
_PLAIN = ("L", "LA", "RGB", "RGBA")

# Pillow keeps the high byte of 16-bit colour. Reading the same data as if its bytes were in the
# other order gives the low byte; grey with alpha, 2 x 16 bits, can be read as 4 x 8.
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", "LA;16B": "RGBA"}
_BAND_PIXELS = (
    1 << 20
)  # 16 bits are divided so many at a time: a picture of 8 bits is large enough.

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags.
_WHITE_IS_ZERO, _UNSIGNED = 0, (1, 4)  # 4: undefined, which everybody reads as unsigned.

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

# ISO/IEC 23008-12: behind its length and "ftyp", the brands of pictures in HEVC.
_HEIF = ("HEIF",)
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_MOST_START = 12

_PNM = tuple(b"P%d" % number for number in range(1, 8))
_MOST_PNM_HEADER = 1 << 16  # Bytes, comments included.

warnings.filterwarnings("ignore", module="PIL")  # About odd files, without saying which.
Image.MAX_IMAGE_PIXELS = None  # The limit here is the caller's, and holds for every format.


def shown_size(file: BinaryIO, max_pixels: int) -> tuple[int, int]:
    """Returns the width and height of an image as it is shown, from its header.

    Raises:
      Rejected: it is no image, or it has more than `max_pixels`.
    """
    start = file.read(len(png_file.SIGNATURE))
    file.seek(0)
    image = (
        _open_header(file, max_pixels) if start == png_file.SIGNATURE else _open(file, max_pixels)
    )
    # Pillow turns TIFFs itself and gives their size as shown.
    lying = image.format != "TIFF" and _orientation(image) in _LYING
    return image.size[::-1] if lying else image.size


@decoder_noise.held_back()
def read(data: bytes, max_pixels: int) -> Image.Image:
    """Returns the first frame of an image file, upright, as L, LA, RGB or RGBA.

    A colour profile is in its `info`; with one it may be CMYK too. `colour.to_srgb` applies it.

    Raises:
      Rejected: it cannot be decoded to its end, is damaged, has more than `max_pixels`, or its
        pixels have no one meaning as 8 bits.
    """
    try:
        image, picture = _read(data, max_pixels)
        orientation = _orientation(image)  # After decoding: Pillow has turned TIFFs by then.
    except Rejected:
        raise
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises almost anything for files that were made to harm.
        raise Rejected(f"cannot be decoded: {errors.first_line(error)}") from error
    if (profile := image.info.get(colour.KEY)) is not None:
        picture.info[colour.KEY] = profile
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


def _read(data: bytes, max_pixels: int) -> tuple[Image.Image, Image.Image]:
    """The image as it was opened, and its picture."""
    if data.startswith(png_file.SIGNATURE):
        png = png_file.parse(data)
        image = _open_png(png, max_pixels)
        _give_profile(image, png.profile)
        return image, _of_png(image, png)
    if data.startswith(jpeg_file.SIGNATURE):
        _open(io.BytesIO(data), max_pixels)  # Before a look at all of it.
        jpeg = jpeg_file.parse(data)
        image = _open(io.BytesIO(jpeg.whole), max_pixels)
        jpeg_file.load(image, jpeg)
        _give_profile(image, jpeg.profile)
        return image, _to_8_bit(image)
    image = _open(io.BytesIO(data), max_pixels)
    if image.format == "TIFF":
        return image, _of_tiff(image)
    image.load()
    if image.format == "PPM" and image.mode == "I":  # Pillow has stretched it to 16 bits.
        return image, _divided(image, 65535)
    return image, _to_8_bit(image)


def _give_profile(image: Image.Image, profile: bytes | None) -> None:
    if profile is not None:
        image.info[colour.KEY] = profile


def _open(file: BinaryIO, max_pixels: int) -> Image.Image:
    """Opens an image by its header alone: nothing is decoded yet."""
    start = file.read(_MOST_START)
    file.seek(0)
    formats = _HEIF if start[4:8] == b"ftyp" and start[8:12] in _HEIC else FORMATS
    if formats == _HEIF:
        _learn_heif()
    try:
        if start[:2] in _PNM:  # Pillow goes through a header byte by byte, however long.
            Image.open(io.BytesIO(file.read(_MOST_PNM_HEADER)), formats=["PPM"])
            file.seek(0)
        image = Image.open(file, formats=formats)
    except MemoryError:
        raise
    except Exception as error:
        raise Rejected("is no image of a known format (" + ", ".join(FORMATS) + ")") from error
    width, height = image.size
    if width * height > max_pixels:
        raise Rejected(f"has {width}x{height} pixels, more than --max_pixels={max_pixels}")
    return image


def _learn_heif() -> None:
    """Lets Pillow read HEIC, which takes a package that is not always there."""
    try:
        import pillow_heif
    except ImportError as error:
        raise Rejected("is HEIC, which needs: pip install 'dualcontrast[heic]'") from error
    pillow_heif.register_heif_opener()


def _open_header(file: BinaryIO, max_pixels: int) -> Image.Image:
    try:
        return _open(io.BytesIO(png_file.header(file, with_orientation=True)), max_pixels)
    except Rejected:  # As in `_open_png`.
        return _open(io.BytesIO(png_file.header(file, with_orientation=False)), max_pixels)


def _open_png(png: Png, max_pixels: int) -> Image.Image:
    try:
        return _open(io.BytesIO(png.oriented), max_pixels)
    except Rejected:  # Perhaps of what is said about a sound picture.
        return _open(io.BytesIO(png.plain), max_pixels)


def _orientation(image: Image.Image) -> int | None:
    try:
        # Not the method of PNG, which first decodes all of a picture without EXIF.
        return Image.Image.getexif(image).get(_ORIENTATION)
    except Exception:  # Damaged EXIF in a sound picture: nobody knows how it was meant to lie.
        return None


def _to_8_bit(image: Image.Image) -> Image.Image:
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("RGBA")
    if image.mode in _PLAIN or (image.mode == "CMYK" and image.info.get(colour.KEY) is not None):
        return image
    if image.mode not in _CONVERTED:
        raise Rejected(f"has pixels of kind {image.mode}, which have no one meaning as 8 bits")
    return image.convert(_CONVERTED[image.mode])


def _of_png(image: Image.Image, png: Png) -> Image.Image:
    key = _key(png)
    if png.depth == 16:
        return _divided(image, 65535, key) if image.mode[0] == "I" else _colour_16(image, png, key)
    image.load()
    if png.colour_type == png_file.PALETTE:
        _check_palette(image)
    picture = _to_8_bit(image)
    if key is None:
        return picture
    scale = 255 // ((1 << png.depth) - 1)
    return _with_key(
        np.atleast_3d(np.asarray(picture)), np.atleast_3d(np.asarray(picture)), key * scale
    )


def _key(png: Png) -> np.ndarray | None:
    """The transparent colour, as samples of the file's depth."""
    channels = {png_file.GREY: 1, png_file.RGB: 3}.get(png.colour_type)
    if png.transparency is None or channels is None:
        return None
    if len(png.transparency) < 2 * channels:
        raise Rejected("is damaged: its transparent colour is cut")
    # Of less than 16 bits only the low ones count (section 11.3.1.1).
    return np.frombuffer(png.transparency, ">u2", channels) & ((1 << png.depth) - 1)


def _check_palette(image: Image.Image) -> None:
    """Refuses colours that are not in the palette, for which Pillow has some of its own."""
    colours = len(image.palette.palette) // len(image.palette.mode)
    if int(np.asarray(image).max()) >= colours:
        raise Rejected(f"is damaged: it uses more colours than the {colours} of its palette")


def _of_tiff(image: TiffImagePlugin.TiffImageFile) -> Image.Image:
    tags = image.tag_v2
    bits, photometric = tags.get(_BITS, (1,)), tags.get(_PHOTOMETRIC)
    signed = set(tags.get(_SAMPLE_FORMAT, (1,))) - set(_UNSIGNED)
    if len(bits) > 1 and max(bits) > 8:
        raise Rejected(f"has {max(bits)} bits a channel in a TIFF; save it as PNG")
    image.load()
    if signed or (image.mode[0] == "I" and max(bits) > 16):
        raise Rejected(
            f"has pixels of kind {image.mode} with numbers that are signed or of more than 16 bits,"
            " which have no one meaning as 8 bits"
        )
    if image.mode[0] == "I":
        picture = _divided(image, (1 << bits[0]) - 1)
        # Of up to 8 bits Pillow turns it round itself.
        return picture.point(lambda x: 255 - x) if photometric == _WHITE_IS_ZERO else picture
    return _to_8_bit(image)


def _divided(image: Image.Image, largest: int, key: np.ndarray | None = None) -> Image.Image:
    """Grey values from 0 to `largest` as 0 to 255, transparent where they are `key`."""

    def to_picture(values: np.ndarray) -> Image.Image:
        values = values.astype(np.uint32)[..., None]
        return _with_key(((values * 510 + largest) // (2 * largest)).astype(np.uint8), values, key)

    return _in_bands(to_picture, image)


def _colour_16(image: ImageFile.ImageFile, png: Png, key: np.ndarray | None) -> Image.Image:
    raw_mode = str(image.tile[0].args)
    again = Image.open(io.BytesIO(png.plain), formats=["PNG"])
    again.tile = [tile._replace(args=_LOW_BYTES[raw_mode]) for tile in again.tile]

    def of_grey(low: np.ndarray) -> Image.Image:
        values = low[..., ::2].astype(np.uint16) << 8 | low[..., 1::2]
        return _with_key(_divide(values), values, key)

    def of_colour(high: np.ndarray, low: np.ndarray) -> Image.Image:
        values = high.astype(np.uint16) << 8 | low
        return _with_key(_divide(values), values, key)

    return _in_bands(of_grey, again) if raw_mode == "LA;16B" else _in_bands(of_colour, image, again)


def _in_bands(to_picture: Callable[..., Image.Image], *images: Image.Image) -> Image.Image:
    """A picture made of some rows of one or two images at a time."""
    width, height = images[0].size
    rows = max(1, _BAND_PIXELS // width)
    whole = None
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        band = to_picture(*(np.asarray(image.crop(box)) for image in images))
        whole = whole or Image.new(band.mode, (width, height))
        whole.paste(band, (0, top))
    return whole


def _divide(values: np.ndarray) -> np.ndarray:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _with_key(pixels: np.ndarray, values: np.ndarray, key: np.ndarray | None) -> Image.Image:
    """A picture of `pixels` [h, w, c], transparent where the `values` of the file are `key`."""
    if key is not None:
        opaque = (values != key).any(axis=2, keepdims=True)
        pixels = np.concatenate([pixels, np.where(opaque, 255, 0).astype(np.uint8)], axis=2)
    return Image.fromarray(
        pixels[..., 0] if pixels.shape[2] == 1 else pixels, _MODE[pixels.shape[2]]
    )


_MODE = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
