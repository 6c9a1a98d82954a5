"""R3GAN (Huang et al. 2024): residual blocks of grouped convolutions, without normalisation."""

import dataclasses
import math
from typing import Any

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

_FMAP_BASE = "feature maps at resolution r: min(fmap_max, 2 * fmap_base / r)"
_FMAP_MAX = "most feature maps between blocks"
_BLOCKS = "residual blocks at every resolution"
_EXPANSION = "feature maps inside a block, in units of those between blocks"
_GROUP_WIDTH = (
    "feature maps of a group of the 3x3 convolutions: as many groups (the cardinality) as expansion"
    " * feature maps / group_width"
)


@dataclasses.dataclass(frozen=True)
class Generator(section.GeneratorSection):
    """The generator."""

    fake_labels: str = setting(
        "reals",
        "with data.labels: whether a fake has the class of the real that it is paired with, or a"
        " drawn one",
        choices=("reals", "uniform", "data"),
    )
    latent_size: int = setting(64, "length of the latent vector z", least=1)
    fmap_base: int = setting(12_288, _FMAP_BASE, least=1)
    fmap_max: int = setting(768, _FMAP_MAX, least=1)
    blocks: int = setting(2, _BLOCKS, least=1)
    expansion: int = setting(2, _EXPANSION, least=1)
    group_width: int = setting(16, _GROUP_WIDTH, least=1)

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the generator, unbuilt."""
        from dualcontrast.layers.r3gan import generator

        sizes = {"latent_size": self.latent_size, **_sizes(self)}
        return generator.Generator(**images._asdict(), **sizes, **keras)

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and that groups make up the feature maps."""
        _check("generator", self, images)


@dataclasses.dataclass(frozen=True)
class Discriminator(section.DiscriminatorSection):
    """The discriminator."""

    fmap_base: int = setting(12_288, _FMAP_BASE, least=1)
    fmap_max: int = setting(768, _FMAP_MAX, least=1)
    blocks: int = setting(2, _BLOCKS, least=1)
    expansion: int = setting(2, _EXPANSION, least=1)
    group_width: int = setting(16, _GROUP_WIDTH, least=1)

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.r3gan import discriminator

        return discriminator.Discriminator(**images._asdict(), **_sizes(self), **keras)

    def check(self, images: section.Images) -> None:
        """Checks the resolution, and that groups make up the feature maps."""
        _check("discriminator", self, images)


def _sizes(network: Generator | Discriminator) -> dict[str, int]:
    names = ("fmap_base", "fmap_max", "blocks", "expansion", "group_width")
    return {name: getattr(network, name) for name in names}


def _check(name: str, network: Generator | Discriminator, images: section.Images) -> None:
    side = images.resolution
    if side is None:
        return
    if side & (side - 1):
        raise UserError(f"config field data.resolution: got {side}, expected a power of two >= 8")
    if 2 * network.fmap_base < side:
        raise UserError(
            f"config field {name}.fmap_base: {network.fmap_base} leaves no feature map at"
            f" resolution {side}, expected at least {side // 2}"
        )
    while side >= 4:
        _check_groups(name, network, side)
        side //= 2


def _check_groups(name: str, network: Generator | Discriminator, side: int) -> None:
    width = network.expansion * min(network.fmap_max, 2 * network.fmap_base // side)
    if width % network.group_width:
        raise UserError(
            f"{name}.group_width={network.group_width} does not divide the {width} feature maps in"
            f" the blocks at {side}x{side}: try"
            f" --config.{name}.group_width={math.gcd(width, network.group_width)}"
        )
