"""SNGAN (Miyato et al. 2018): spectral normalisation in D, batch normalisation in G."""

import dataclasses
from typing import Any, Optional

from dualcontrast.trainer.config import head_fields, section
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

_ARCHITECTURES = ("resnet", "dcgan")
_RESIDUAL = (32, 64, 128, 256)
_KINDS = "residual blocks, or the convolutions of SNDCGAN"


@dataclasses.dataclass(frozen=True)
class Generator(section.GeneratorSection):
    """The generator."""

    takes_moments = in_two_parts = True
    architecture: str = setting("resnet", _KINDS, choices=_ARCHITECTURES)
    latent_size: int = setting(128, "length of the latent vector z", least=1)
    latent: str = setting(
        "normal",
        "how each number of z is drawn: standard normal, or uniform from -1 to 1 (ContraD's)",
        choices=("normal", "uniform"),
    )
    width: Optional[int] = setting(
        None, "feature maps of the last layers (none: the paper's, 256 or 64)", least=1
    )

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the generator, unbuilt."""
        from dualcontrast.layers.sngan import dcgan_generator, generator

        fields = {"latent_size": self.latent_size, "latent": self.latent, **keras}
        if self.architecture == "dcgan":
            return dcgan_generator.DCGANGenerator(
                images.resolution, images.channels, width=self.width or 64, **fields
            )
        return generator.Generator(**images._asdict(), width=self.width, **fields)

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and whether there may be classes."""
        _check("generator", self.architecture, images)


@dataclasses.dataclass(frozen=True)
class Discriminator(head_fields.DiscriminatorSection):
    """The discriminator."""

    architecture: str = setting(
        "resnet",
        f"{_KINDS}, or a ResNet-18 (SNResNet-18)",
        choices=(*_ARCHITECTURES, "resnet18"),
    )
    width: Optional[int] = setting(
        None, "feature maps of the first layers (none: the paper's, 128 or 64)", least=1
    )

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.sngan import (
            dcgan_discriminator,
            discriminator,
            resnet18_discriminator,
        )

        fields = {**self.heads(1024 if self.architecture == "resnet18" else 512), **keras}
        if self.architecture == "resnet":
            return discriminator.Discriminator(**images._asdict(), width=self.width, **fields)
        kinds = {
            "dcgan": dcgan_discriminator.DCGANDiscriminator,
            "resnet18": resnet18_discriminator.ResNet18Discriminator,
        }
        make = kinds[self.architecture]
        return make(images.resolution, images.channels, width=self.width or 64, **fields)

    def check(self, images: section.Images) -> None:
        """Checks the resolution, whether there may be classes, and the heads."""
        super().check(images)
        _check("discriminator", self.architecture, images)


def _check(network: str, architecture: str, images: section.Images) -> None:
    resolution = images.resolution
    if resolution is None:
        return
    if architecture != "resnet" and images.classes:
        raise UserError(
            f"data.labels=true, and {network}.architecture={architecture} has no form with classes:"
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
            f" {network}.architecture={architecture}"
        )
