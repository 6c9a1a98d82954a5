"""The picture of attention: images with dots, and for every dot the map of its weights."""

import dataclasses
from collections.abc import Sequence

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
# Of the image below a map, in grey: enough to see what is where.
_UNDER = 0.35


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the picture.

    Attributes:
      images: uint8 [resolution, resolution, channels], one a column; each is marked with the dots.
      dots: at most `dots.MOST`.
      maps: [side, side] of every dot, not negative; each is shown relative to its largest value.
      over: the image that the maps lie over; None for black.
    """

    images: Sequence[np.ndarray]
    dots: Sequence[Dot]
    maps: Sequence[np.ndarray]
    over: np.ndarray | None = None


def draw(titles: Sequence[str], rows: Sequence[Row]) -> np.ndarray:
    """Returns the picture, uint8 [height, width, 3].

    Args:
      titles: of the columns: the images, then the maps.
      rows: at least one, of as many columns.
    """
    side = panel_side(len(rows[0].images[0]))
    step = side + 2 * _FRAME + _GAP
    size = (len(titles) * step + _GAP, len(rows) * step + _GAP + _HEAD)
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for column, title in enumerate(titles):
        center = _GAP + column * step + _FRAME + side / 2
        left = center - pen.textlength(title, font_size=_FONT_SIZE) / 2
        pen.text((left, _GAP - 2), title, fill="black", font_size=_FONT_SIZE)
    for number, row in enumerate(rows):
        for column, panel in enumerate(_panels(row, side)):
            picture.paste(panel, (_GAP + column * step, _GAP + _HEAD + number * step))
    return np.asarray(picture)


def panel_side(resolution: int) -> int:
    """Returns the side of a panel: a multiple of the resolution where that is small."""
    return min(-(-_LEAST_SIDE // resolution) * resolution, _MOST_SIDE)


def _panels(row: Row, side: int) -> list[Image.Image]:
    panels = [
        _framed(_marked(pictures.resized(image, side), row.dots), "white") for image in row.images
    ]
    for color, dot, values in zip(_COLORS, row.dots, row.maps):
        heat = _heat(values, side)
        if row.over is not None:
            grey = pictures.resized(row.over, side).convert("L").convert("RGB")
            heat = Image.blend(heat, grey, _UNDER)
        panels.append(_framed(_ringed(heat, dot), color))
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


def _heat(values: np.ndarray, side: int) -> Image.Image:
    """Returns the map in colours, its largest value the brightest, interpolated bilinearly."""
    shares = np.asarray(values, np.float32) / max(float(np.max(values)), 1e-30)
    large = Image.fromarray(shares).resize((side, side), Image.Resampling.BILINEAR)
    stops = np.linspace(0, 1, len(_SCALE))
    channels = [np.interp(np.asarray(large), stops, channel) for channel in zip(*_SCALE)]
    return Image.fromarray(np.stack(channels, axis=-1).round().astype(np.uint8))


def _framed(picture: Image.Image, color) -> Image.Image:
    side = picture.width + 2 * _FRAME
    framed = Image.new("RGB", (side, side), color)
    framed.paste(picture, (_FRAME, _FRAME))
    return framed
