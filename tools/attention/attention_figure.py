"""The picture of attention: images with dots, and for every dot the map of its weights."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from dualcontrast.tools.attention.dots import Dot
from dualcontrast.trainer import pictures

# Bright ones of Okabe and Ito 2008, which the colour-blind tell apart: one for every dot.
_COLORS = ((213, 94, 0), (0, 158, 115), (86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 0, 0))
# From no attention to the most: dark to light all the way, so that it reads without its colours.
_SCALE = (
    (0, 0, 4),
    (61, 15, 113),
    (140, 41, 129),
    (222, 73, 104),
    (254, 159, 109),
    (252, 253, 191),
)
_LEAST_SIDE, _MOST_SIDE = 160, 256
_GAP, _FRAME, _HEAD, _FONT_SIZE = 8, 4, 20, 14
_FOOT = 18  # Below every row that has maps.
# Of the image below a map, in grey: enough to see what is where.
_UNDER = 0.35
# Of the light of the image where a map does not reach.
_BEYOND = 0.5


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the picture.

    Attributes:
      images: uint8 [resolution, resolution, channels], one a column; each is marked with the dots.
      dots: at most `dots.MOST`.
      maps: [side, side] of every dot, not negative, 0 where it does not reach; they lie over the
        last image, and each is shown from its least value to its largest one.
    """

    images: Sequence[np.ndarray]
    dots: Sequence[Dot]
    maps: Sequence[np.ndarray]


class Range(NamedTuple):
    """The values of a map where it reaches, relative to their mean; both 0 where it is nowhere.

    Attributes:
      least, most: 1 is an even share of the attention.
    """

    least: float
    most: float


def range_of(values: np.ndarray) -> Range:
    """Returns the range of a map, [side, side], not negative."""
    reached = values[values > 0].astype(np.float64)
    if not len(reached):
        return Range(0.0, 0.0)
    return Range(float(reached.min() / reached.mean()), float(reached.max() / reached.mean()))


def draw(titles: Sequence[str], rows: Sequence[Row]) -> np.ndarray:
    """Returns the picture, uint8 [height, width, 3].

    Args:
      titles: of the columns: the images, then the maps.
      rows: at least one, of as many columns.
    """
    side = panel_side(len(rows[0].images[0]))
    step = side + 2 * _FRAME + _GAP
    down = step + _FOOT if rows[0].maps else step
    size = (len(titles) * step + _GAP, len(rows) * down + _GAP + _HEAD)
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)

    def write(text: str, column: int, top: int, size: int) -> None:
        center = _GAP + column * step + _FRAME + side / 2
        left = center - pen.textlength(text, font_size=size) / 2
        pen.text((left, top), text, fill="black", font_size=size)

    for column, title in enumerate(titles):
        write(title, column, _GAP - 2, _FONT_SIZE)
    for number, row in enumerate(rows):
        top = _GAP + _HEAD + number * down
        for column, panel in enumerate(_panels(row, side)):
            picture.paste(panel, (_GAP + column * step, top))
        for column, values in enumerate(row.maps, start=len(row.images)):
            least, most = range_of(values)
            write(f"{least:.2g} to {most:.2g} of even", column, top + step - _GAP, _FONT_SIZE - 2)
    return np.asarray(picture)


def panel_side(resolution: int) -> int:
    """Returns the side of a panel: a multiple of the resolution where that is small."""
    return min(-(-_LEAST_SIDE // resolution) * resolution, _MOST_SIDE)


def _panels(row: Row, side: int) -> list[Image.Image]:
    panels = [
        _framed(_marked(pictures.resized(image, side), row.dots), "white") for image in row.images
    ]
    grey = pictures.resized(row.images[-1], side).convert("L").convert("RGB")
    for color, dot, values in zip(_COLORS, row.dots, row.maps):
        panels.append(_framed(_ringed(_over(grey, values), dot), color))
    return panels


def _marked(picture: Image.Image, dots: Sequence[Dot]) -> Image.Image:
    pen, radius = ImageDraw.Draw(picture), picture.width // 24
    for color, dot in zip(_COLORS, dots):
        pen.ellipse(_around(dot, picture.width, radius), fill=color, outline="white", width=2)
    return picture


def _ringed(picture: Image.Image, dot: Dot) -> Image.Image:
    pen, radius = ImageDraw.Draw(picture), picture.width // 40
    pen.ellipse(_around(dot, picture.width, radius), outline="white", width=2)
    return picture


def _around(dot: Dot, side: int, radius: int) -> list[float]:
    x, y = dot.x * side, dot.y * side
    return [x - radius, y - radius, x + radius, y + radius]


def _over(grey: Image.Image, values: np.ndarray) -> Image.Image:
    """Returns the map in colours over the image, which is darker where the map does not reach."""
    least, most = range_of(values)
    mean = max(float(values[values > 0].mean()) if most else 0.0, 1e-30)
    shares = (values / mean - least) / max(most - least, 1e-9)
    stops = np.linspace(0, 1, len(_SCALE))
    colors = np.stack([np.interp(shares, stops, channel) for channel in zip(*_SCALE)], axis=-1)
    heat = pictures.resized(colors.round().astype(np.uint8), grey.width)
    reached = pictures.resized(255 * (values > 0)[..., None].astype(np.uint8), grey.width)
    beyond = Image.blend(Image.new("RGB", grey.size), grey, _BEYOND)
    return Image.composite(Image.blend(heat, grey, _UNDER), beyond, reached.convert("L"))


def _framed(picture: Image.Image, color) -> Image.Image:
    side = picture.width + 2 * _FRAME
    framed = Image.new("RGB", (side, side), color)
    framed.paste(picture, (_FRAME, _FRAME))
    return framed
