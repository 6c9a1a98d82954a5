"""How wide SAGAN's networks are at each resolution.

At 128 those of the authors' program. At 64 and 32, which it does not have, the widest block of the
generator is left out, or two of them, and their opposites in the discriminator, so that blocks have
the widths that they have at 128 at as large a distance from the image.
"""

from dualcontrast.layers.sngan.widths import Widths

GENERATOR = {
    32: Widths(64, (4, 4, 2, 1)),
    64: Widths(64, (8, 8, 4, 2, 1)),
    128: Widths(64, (16, 16, 8, 4, 2, 1)),
}
DISCRIMINATOR = {
    32: Widths(64, (1, 2, 4, 4), flat=1),
    64: Widths(64, (1, 2, 4, 8, 8), flat=1),
    128: Widths(64, (1, 2, 4, 8, 16, 16), flat=1),
}


def check_attention(attention_resolution: int | None, resolution: int) -> None:
    """Checks that both networks have a block that puts out maps of this side.

    Raises:
      ValueError: they have not.
    """
    found = sides(resolution)
    if attention_resolution is not None and attention_resolution not in found:
        raise ValueError(f"attention_resolution must be one of {found}, got {attention_resolution}")


def sides(resolution: int) -> list[int]:
    """Returns the sides of the maps that blocks of both networks put out."""
    found, side = [], 8
    while side < resolution:
        found.append(side)
        side *= 2
    return found
