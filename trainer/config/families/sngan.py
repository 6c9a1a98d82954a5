"""SNGAN (Miyato et al. 2018): spectral normalisation in D, batch normalisation in G."""

import dataclasses
from typing import Any, Optional

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

_ARCHITECTURES = ("resnet", "dcgan")
_RESIDUAL = (32, 64, 128, 256)
_KINDS = "residual blocks, or the convolutions of SNDCGAN"


@dataclasses.dataclass(frozen=True)
class Generator(section.GeneratorSection):
    """The generator."""

    takes_moments = True
    architecture: str = setting("resnet", _KINDS, choices=_ARCHITECTURES)
    latent_size: int = setting(128, "length of the latent vector z", least=1)
    width: Optional[int] = setting(
        None, "feature maps of the last layers (none: the paper's, 256 or 64)", least=1
    )

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the generator, unbuilt."""
        from dualcontrast.layers.sngan import dcgan_generator, generator

        fields = {"latent_size": self.latent_size, **keras}
        if self.architecture == "dcgan":
            return dcgan_generator.DCGANGenerator(
                images.resolution, images.channels, width=self.width or 64, **fields
            )
        return generator.Generator(**images._asdict(), width=self.width, **fields)

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and whether there may be classes."""
        _check("generator", self.architecture, images)


@dataclasses.dataclass(frozen=True)
class Discriminator(section.DiscriminatorSection):
    """The discriminator."""

    architecture: str = setting("resnet", _KINDS, choices=_ARCHITECTURES)
    width: Optional[int] = setting(
        None, "feature maps of the first layers (none: the paper's, 128 or 64)", least=1
    )

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.sngan import dcgan_discriminator, discriminator

        if self.architecture == "dcgan":
            return dcgan_discriminator.DCGANDiscriminator(
                images.resolution, images.channels, width=self.width or 64, **keras
            )
        return discriminator.Discriminator(**images._asdict(), width=self.width, **keras)

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and whether there may be classes."""
        _check("discriminator", self.architecture, images)


def _check(network: str, architecture: str, images: section.Images) -> None:
    resolution = images.resolution
    if resolution is None:
        return
    if architecture == "dcgan" and images.classes:
        raise UserError(
            f"data.labels=true, and {network}.architecture=dcgan has no form with classes:"
            f" try --config.{network}.architecture=resnet, or drop --config.data.labels"
        )
    if architecture == "resnet" and resolution not in _RESIDUAL:
        raise UserError(
            f"config field data.resolution: got {resolution}, expected one of"
            f" {', '.join(map(str, _RESIDUAL))} with {network}.architecture=resnet"
        )
    if resolution % 8:
        raise UserError(
            f"config field data.resolution: got {resolution}, expected a multiple of 8 with"
            f" {network}.architecture=dcgan"
        )
