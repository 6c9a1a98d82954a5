"""The residual blocks of R3GAN's networks, from 4x4 to the image's resolution."""

import dataclasses

from dualcontrast.layers.r3gan import residual_block
from dualcontrast.layers.stylegan2 import feature_maps


@dataclasses.dataclass(frozen=True)
class Stages:
    """How many blocks there are at every resolution, and how wide (Huang et al. 2024).

    The published widths are StyleGAN2's times 3/4: fmap_base 12288 and fmap_max 768, in groups of
    16; for ImageNet at 32 and 64 those times two.

    Attributes:
      resolution: of the image, a power of two from 8.
      fmap_base, fmap_max: channels at resolution r are min(fmap_max, 2 * fmap_base / r).
      blocks: at every resolution.
      expansion: see `ResidualBlock`.
      group_width: channels of a group of the 3x3 convolutions; it divides the expanded channels.
    """

    resolution: int
    fmap_base: int
    fmap_max: int
    blocks: int
    expansion: int
    group_width: int

    def __post_init__(self):
        if min(self.blocks, self.expansion, self.group_width) < 1:
            raise ValueError(
                "blocks, expansion and group_width must be >= 1, got"
                f" {self.blocks}, {self.expansion} and {self.group_width}"
            )
        for side in self.sides:
            if self.expansion * self.width(side) % self.group_width:
                raise ValueError(
                    f"group_width={self.group_width} does not divide the"
                    f" {self.expansion * self.width(side)} expanded channels at {side}x{side}"
                )

    @property
    def sides(self) -> list[int]:
        """4, 8, ..., resolution."""
        return feature_maps.resolutions(self.resolution)

    def width(self, side: int) -> int:
        """Returns the channels at a resolution."""
        return feature_maps.feature_maps(side, self.fmap_base, self.fmap_max)

    def make(self, side: int, dtype) -> list[residual_block.ResidualBlock]:
        """Returns the blocks of a resolution, unbuilt."""
        return [
            residual_block.ResidualBlock(
                groups=self.expansion * self.width(side) // self.group_width,
                depth=self.blocks * len(self.sides),
                expansion=self.expansion,
                name=f"{side}x{side}_block{k}",
                dtype=dtype,
            )
            for k in range(self.blocks)
        ]
