"""Pictures as part of the page, made smaller where they are many or large."""

import base64
import dataclasses
import io
import pathlib
from collections.abc import Sequence

from PIL import Image

from dualcontrast.trainer import files
from dualcontrast.trainer.errors import UserError

# Of all pictures of a page together: in base64 that is 18.7 MB.
MOST_BYTES = 14_000_000
# Of one run; a slider of more positions is none to aim with.
MOST_GRIDS = 40
# Longest side in pixels and quality, tried one after the other until the pictures are small enough.
_LEVELS = ((1024, 88), (768, 80), (512, 70), (384, 50), (256, 40))


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture as it stands in the page.

    Attributes:
      source: data URI.
      width, height: in pixels, of the original.
    """

    source: str
    width: int
    height: int


def thinned(items: Sequence, most: int) -> list:
    """Returns at most `most` items, evenly chosen, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(k * (len(items) - 1) / (most - 1))] for k in range(most)]


def embed(paths: Sequence[pathlib.Path], most_bytes: float) -> tuple[list[Picture], str]:
    """Returns the pictures, and in words what was done to make them fit; empty for nothing.

    Args:
      paths: of PNG files.
      most_bytes: of all of them together, before base64.

    Raises:
      UserError: a file cannot be read.
    """
    originals = [read(path) for path in paths]
    contents, kind, done = [content for content, _ in originals], "png", ""
    for side, quality in _LEVELS:
        if sum(map(len, contents)) <= most_bytes:
            break
        contents, kind = [_smaller(image, side, quality) for _, image in originals], "webp"
        done = f"made smaller to fit: at most {side} pixels, WebP of quality {quality}"
    pictures = []
    for content, (_, image) in zip(contents, originals):
        source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
        pictures.append(Picture(source, *image.size))
    return pictures, done


def read(path: pathlib.Path) -> tuple[bytes, Image.Image]:
    """Returns a PNG file and its picture.

    Raises:
      UserError: the file cannot be read.
    """
    content = files.read_bytes(path)
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG",))
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"{path} is no whole PNG picture: delete it, or restore it") from error
    return content, image


def _smaller(image: Image.Image, side: int, quality: int) -> bytes:
    small = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    small.save(encoded, format="webp", quality=quality)
    return encoded.getvalue()
