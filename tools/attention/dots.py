"""The places of an image that a picture of attention starts from: given, or chosen."""

import dataclasses
import math

import numpy as np

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

    The paper chose by eye. Here the colour along the image's frame stands for the background: the
    object is what differs most from it, with its surroundings; the background is what differs
    least; the boundary is where the difference changes most. No two are close to each other.

    Args:
      image: uint8 [resolution, resolution, channels].
      side: of the attention's map, at least 8; every dot is in the middle of one of its cells.
    """
    cell = image.shape[0] // side
    cells = image.reshape(side, cell, side, cell, -1).mean(axis=(1, 3))
    frame = np.concatenate([cells[0], cells[-1], cells[1:-1, 0], cells[1:-1, -1]])
    contrast = np.linalg.norm(cells - np.median(frame, axis=0), axis=-1)
    padded = np.pad(contrast, 1, mode="edge")
    around = [padded[i : i + side, j : j + side] for i in range(3) for j in range(3)]
    smooth = np.mean(around, axis=0)
    edges = np.hypot(*np.gradient(contrast))
    # Most of a window at the border would be reflected or cut away.
    allowed = np.zeros([side, side], bool)
    margin = side // 8
    allowed[margin : side - margin, margin : side - margin] = True
    found = []
    for title, score in (("object", smooth), ("background", -smooth), ("boundary", edges)):
        row, column = np.unravel_index(np.argmax(np.where(allowed, score, -np.inf)), score.shape)
        rows, columns = np.ogrid[:side, :side]
        allowed &= np.hypot(rows - row, columns - column) >= side / 5
        found.append(Dot((column + 0.5) / side, (row + 0.5) / side, title))
    return found
