"""How wide BigGAN's networks are at each resolution: those of Brock's program."""

from dualcontrast.layers.sngan.widths import Widths

GENERATOR = {
    32: Widths(64, (4, 4, 4, 4)),
    64: Widths(64, (16, 16, 8, 4, 2)),
    128: Widths(96, (16, 16, 8, 4, 2, 1)),
    256: Widths(96, (16, 16, 8, 8, 4, 2, 1)),
}
DISCRIMINATOR = {
    32: Widths(64, (4, 4, 4, 4), flat=2),
    64: Widths(64, (1, 2, 4, 8, 16), flat=1),
    128: Widths(96, (1, 2, 4, 8, 16, 16), flat=1),
    256: Widths(96, (1, 2, 4, 8, 8, 16, 16), flat=1),
}


def chunks(resolution: int, classes: int) -> int:
    """Returns how many chunks the generator cuts z into: one, unless there are classes."""
    return len(GENERATOR[resolution].factors) if classes else 1
