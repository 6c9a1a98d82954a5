"""SAGAN (Zhang et al. 2019): self-attention and spectral normalisation in both networks."""

import dataclasses
from typing import Any, Optional

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

_RESOLUTIONS = (32, 64, 128)
_ATTENTION = "side of the maps that attend to themselves, 32 or 64 in the program (none: none do)"


@dataclasses.dataclass(frozen=True)
class Generator(section.GeneratorSection):
    """The generator."""

    takes_moments = in_two_parts = True
    latent_size: int = setting(128, "length of the latent vector z", least=1)
    width: int = setting(64, "feature maps of the last layers", least=1)
    attention_resolution: Optional[int] = setting(32, _ATTENTION, least=1)

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the generator, unbuilt."""
        from dualcontrast.layers.sagan import generator

        return generator.Generator(
            **images._asdict(),
            latent_size=self.latent_size,
            width=self.width,
            attention_resolution=self.attention_resolution,
            **keras,
        )

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and that of the attention."""
        check_sides("generator", images.resolution, self.attention_resolution)


@dataclasses.dataclass(frozen=True)
class Discriminator(section.DiscriminatorSection):
    """The discriminator."""

    width: int = setting(64, "feature maps of the first layers", least=1)
    attention_resolution: Optional[int] = setting(32, _ATTENTION, least=1)

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.sagan import discriminator

        return discriminator.Discriminator(
            **images._asdict(),
            width=self.width,
            attention_resolution=self.attention_resolution,
            **keras,
        )

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and that of the attention."""
        check_sides("discriminator", images.resolution, self.attention_resolution)


def check_sides(
    network: str,
    resolution: Optional[int],
    attention: Optional[int],
    known: tuple[int, ...] = _RESOLUTIONS,
    name: str = "SAGAN",
) -> None:
    """Checks the side of the images, and that of the maps that attend.

    Args:
      network: the section of `attention`.
      resolution: side of the images; None where it is not known yet.
      attention: side of the maps; None for none.
      known: sides for which there are widths.
      name: of the system.

    Raises:
      UserError: there are no such widths, or no such maps.
    """
    if resolution is None:
        return
    if resolution not in known:
        raise UserError(
            f"config field data.resolution: got {resolution}, expected one of"
            f" {', '.join(map(str, known))} with the networks of {name}"
        )
    sides = [side for side in (8, 16, 32, 64, 128) if side < resolution]
    if attention is not None and attention not in sides:
        raise UserError(
            f"config field {network}.attention_resolution: got {attention}, expected one of"
            f" {', '.join(map(str, sides))} or none, with images of {resolution}x{resolution}"
        )
