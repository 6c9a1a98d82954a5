"""How wide SNGAN's residual networks are at each resolution: those of Miyato's program."""

from typing import NamedTuple


class Widths(NamedTuple):
    """Of the blocks of a network.

    Attributes:
      width: the unit of the factors.
      factors: of the generator's first layer and its blocks, or of the discriminator's blocks.
      flat: how many of the discriminator's last blocks keep the resolution.
    """

    width: int
    factors: tuple[int, ...]
    flat: int = 0


GENERATOR = {
    32: Widths(256, (1, 1, 1, 1)),
    64: Widths(64, (16, 8, 4, 2, 1)),
    128: Widths(64, (16, 16, 8, 4, 2, 1)),
    256: Widths(64, (16, 16, 8, 8, 4, 2, 1)),
}
DISCRIMINATOR = {
    32: Widths(128, (1, 1, 1, 1), flat=2),
    64: Widths(64, (1, 2, 4, 8, 16)),
    128: Widths(64, (1, 2, 4, 8, 16, 16), flat=1),
    256: Widths(64, (1, 2, 4, 8, 8, 16, 16), flat=1),
}


def find(table: dict[int, Widths], resolution: int, width: int | None) -> Widths:
    """Returns the widths at a resolution, in units of `width`, or of the program's if it is None.

    Raises:
      ValueError: there are none at this resolution, or the width is less than 1.
    """
    if resolution not in table:
        raise ValueError(f"resolution must be one of {list(table)}, got {resolution}")
    if width is not None and width < 1:
        raise ValueError(f"width must be >= 1, got {width}")
    return table[resolution]._replace(width=width or table[resolution].width)
