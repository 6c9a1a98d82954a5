"""How wide the U-Net's encoder is at each resolution: those of Schonfeld's program at 128 and 256.

All blocks halve the side, down to 4x4. The decoder's blocks mirror the encoder's: what they make of
a side is as wide as what the encoder makes of it, and the last one as the encoder's first.
"""

from dualcontrast.layers.sngan.widths import Widths

ENCODER = {
    32: Widths(64, (4, 4, 4)),
    64: Widths(64, (1, 2, 4, 8)),
    128: Widths(64, (1, 2, 4, 8, 16)),
    256: Widths(64, (1, 2, 4, 8, 8, 16)),
}


def decoder(encoder: Widths) -> list[int]:
    """Returns the channels that each block of the decoder makes, from 8x8 on."""
    first, *_ = factors = encoder.factors
    return [encoder.width * factor for factor in (*reversed(factors[:-1]), first)]
