"""BigGAN (Brock et al. 2019): SAGAN's networks, wider, with a share of z in every block."""

import dataclasses
from typing import Any, Optional

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.families import sagan
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

# Chunks of z with classes, one for the first layer and one for each block.
_CHUNKS = {32: 4, 64: 5, 128: 6, 256: 7}
_CHUNK = 20
_ATTENTION = "side of the maps that attend to themselves, 64 in the program (none: none do)"


@dataclasses.dataclass(frozen=True)
class Generator(section.GeneratorSection):
    """The generator."""

    takes_moments = in_two_parts = True
    latent_size: Optional[int] = setting(
        None,
        "length of the latent vector z (none: 128, or with data.labels 20 for the first layer and"
        " for each block)",
        least=1,
    )
    width: Optional[int] = setting(
        None,
        "feature maps of the last layers (none: the program's, 64, or 96 from 128x128)",
        least=1,
    )
    attention_resolution: Optional[int] = setting(64, _ATTENTION, least=1)
    orthogonal_weight: float = setting(
        0.0, "weight of the orthogonal regularisation (0: off), 0.0001 in the paper", least=0
    )

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the generator, unbuilt."""
        from dualcontrast.layers.biggan import generator

        chunked = _CHUNK * _CHUNKS[images.resolution] if images.classes else 128
        return generator.Generator(
            **images._asdict(),
            latent_size=self.latent_size or chunked,
            width=self.width,
            attention_resolution=self.attention_resolution,
            **keras,
        )

    def terms(self) -> list:
        """Returns the orthogonal regulariser."""
        from dualcontrast.trainer import orthogonality_term

        return [orthogonality_term.Orthogonality(self.orthogonal_weight)]

    def check(self, images: section.Images) -> None:
        """Checks the resolution, that of the attention, and that z can be cut."""
        sagan.check_sides(
            "generator", images.resolution, self.attention_resolution, tuple(_CHUNKS), "BigGAN"
        )
        chunks = _CHUNKS.get(images.resolution, 1) if images.classes else 1
        if (self.latent_size or chunks) % chunks:
            raise UserError(
                f"generator.latent_size={self.latent_size} cannot be cut into {chunks} equal parts,"
                " one for the first layer and one for each block: try"
                f" --config.generator.latent_size={-(-self.latent_size // chunks) * chunks}"
            )


@dataclasses.dataclass(frozen=True)
class Discriminator(section.DiscriminatorSection):
    """The discriminator."""

    width: Optional[int] = setting(
        None,
        "feature maps of the first layers (none: the program's, 64, or 96 from 128x128)",
        least=1,
    )
    attention_resolution: Optional[int] = setting(64, _ATTENTION, least=1)

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.biggan import discriminator

        return discriminator.Discriminator(
            **images._asdict(),
            width=self.width,
            attention_resolution=self.attention_resolution,
            **keras,
        )

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and that of the attention."""
        sagan.check_sides(
            "discriminator", images.resolution, self.attention_resolution, tuple(_CHUNKS), "BigGAN"
        )
