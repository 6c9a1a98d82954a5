"""The places of an image that a picture of attention starts from: given, or chosen."""

import dataclasses
import math

import numpy as np
from scipy import ndimage

from dualcontrast.trainer.errors import UserError

MOST = 6


@dataclasses.dataclass(frozen=True)
class Dot:
    """A place in an image.

    Attributes:
      x: from the left, as a share of the width.
      y: from the top, as a share of the height.
      title: what it is called in a picture.
    """

    x: float
    y: float
    title: str

    def place(self, side: int) -> tuple[int, int]:
        """Returns the row and the column of it in a map of this side."""
        return tuple(min(int(share * side), side - 1) for share in (self.y, self.x))


def parse(flag: str, text: str) -> list[Dot]:
    """Returns the dots of a text such as 0.5,0.3;0.1,0.9.

    Args:
      flag: whose value the text is.
      text: x,y of every dot, each from 0 to 1, with semicolons between.

    Raises:
      UserError: the text is anything else, or has too many dots for a picture.
    """
    found = []
    for word in text.split(";"):
        try:
            x, y = (float(number) for number in word.split(","))
        except ValueError:
            x = y = math.nan
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise UserError(
                f"--{flag}={text}: {word!r} is no dot: expected x,y as shares of width and height"
                " from 0 to 1, as in 0.5,0.3;0.1,0.9"
            )
        found.append(Dot(x, y, f"({x:g}, {y:g})"))
    if len(found) > MOST:
        raise UserError(f"--{flag}={text}: {len(found)} dots, expected at most {MOST}")
    return found


def choose(image: np.ndarray, side: int) -> list[Dot]:
    """Returns three dots, on an object, on the background and on a boundary, where there are such.

    The paper chose by eye. Here the colour along the image's frame stands for the background, and
    what differs from it by more than the threshold that parts the pixels best (Otsu 1979) for
    objects. The first dot is where an object is deepest, the second is farthest from all objects,
    the third on the rim of one, away from the first. They are in three cells of the map.

    Args:
      image: uint8 [resolution, resolution, channels].
      side: of the attention's map, at least 8.
    """
    resolution = image.shape[0]
    cell = resolution // side
    frame = [image[:cell], image[-cell:], image[:, :cell], image[:, -cell:]]
    colour = np.median(
        np.concatenate([part.reshape(-1, image.shape[-1]) for part in frame]), axis=0
    )
    # Grain is no object.
    contrast = ndimage.gaussian_filter(np.linalg.norm(image - colour, axis=-1), resolution / 64)
    objects = contrast > _threshold(contrast)
    inside, outside = _distances(objects), _distances(~objects)
    # Most of a window at the border would be reflected or cut away.
    margin = resolution // 16
    allowed = np.pad(np.ones([resolution - 2 * margin] * 2, bool), margin)

    def take(title: str, score: np.ndarray) -> Dot:
        row, column = np.unravel_index(np.argmax(np.where(allowed, score, -np.inf)), score.shape)
        top, left = row // cell * cell, column // cell * cell
        allowed[top : top + cell, left : left + cell] = False
        return Dot((column + 0.5) / resolution, (row + 0.5) / resolution, title)

    on_object = take("object", inside)
    on_background = take("background", outside)
    rows, columns = np.ogrid[:resolution, :resolution]
    away = np.hypot(rows + 0.5 - on_object.y * resolution, columns + 0.5 - on_object.x * resolution)
    steep = np.hypot(*np.gradient(contrast))
    # A rim first of all; of rims one that is away from the first dot, and of these the clearest.
    rank = np.minimum(away / (resolution / 5), 1) + 0.1 * steep / max(float(steep.max()), 1e-9)
    rim = objects & ndimage.binary_dilation(~objects)
    boundary = take("boundary", np.where(rim, rank, -ndimage.distance_transform_edt(~rim)))
    return [on_object, on_background, boundary]


def _distances(part: np.ndarray) -> np.ndarray:
    """Returns how far a part's pixels are from the others and the border; 0 for the others."""
    return ndimage.distance_transform_edt(np.pad(part, 1))[1:-1, 1:-1]


def _threshold(values: np.ndarray) -> float:
    """Returns what parts values into two sets of the largest variance between them."""
    ordered = np.sort(values, axis=None)
    below = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    means = sums[:-1] / below, (sums[-1] - sums[:-1]) / below[::-1]
    between = below * below[::-1] * np.square(means[1] - means[0])
    return float(ordered[np.argmax(between)])
