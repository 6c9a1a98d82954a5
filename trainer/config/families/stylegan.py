"""StyleGAN (Karras et al. 2019), of fixed structure or growing."""

import dataclasses
from typing import Any

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.field import setting

_FMAP_BASE = "feature maps at resolution r: min(fmap_max, 2 * fmap_base / r)"
_FMAP_MAX = "most feature maps of any layer"
_GROWING = "begin with small images; both networks must, see schedule.growth"


@dataclasses.dataclass(frozen=True)
class Generator(section.GeneratorSection):
    """The generator."""

    maps = True
    fake_labels: str = setting(
        "data", "with data.labels: as in StyleGAN, or alike", choices=("uniform", "data")
    )
    latent_size: int = setting(512, "length of the latent vector z", least=1)
    w_size: int = setting(512, "length of the intermediate latent vector w", least=1)
    mapping_layers: int = setting(8, "dense layers from z to w", least=1)
    mapping_learning_rate_multiplier: float = setting(
        0.01, "learning rate of the mapping layers relative to the others", above=0
    )
    fmap_base: int = setting(8192, _FMAP_BASE, least=1)
    fmap_max: int = setting(512, _FMAP_MAX, least=1)
    style_mixing_probability: float = setting(
        0.9,
        "probability that an image takes a second latent from some layer on",
        least=0,
        most=1,
    )
    w_mean_decay: float = setting(
        0.995, "decay per batch of the tracked mean of w (for truncation)", least=0, below=1
    )
    truncation_layers: int = setting(8, "first layers, to which alone truncation applies", least=0)
    growing: bool = setting(False, _GROWING)

    @property
    def grows(self) -> bool:
        """Whether the network grows with the images."""
        return self.growing

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the generator, unbuilt."""
        from dualcontrast.layers.stylegan import generator

        fields = {name: getattr(self, name) for name in _GENERATOR_FIELDS}
        return generator.Generator(**images._asdict(), **fields, **keras)

    def check(self, images: section.Images) -> None:
        """Checks the widths against the resolution."""
        stylegan2.check_resolution("generator", self.fmap_base, images.resolution)


# Those that the network takes under their own names.
_GENERATOR_FIELDS = (
    "latent_size",
    "w_size",
    "mapping_layers",
    "mapping_learning_rate_multiplier",
    "fmap_base",
    "fmap_max",
    "style_mixing_probability",
    "w_mean_decay",
    "truncation_layers",
    "growing",
)


@dataclasses.dataclass(frozen=True)
class Discriminator(section.DiscriminatorSection):
    """The discriminator."""

    fmap_base: int = setting(8192, _FMAP_BASE, least=1)
    fmap_max: int = setting(512, _FMAP_MAX, least=1)
    minibatch_stddev_group: int = setting(
        4, "most images that share one minibatch standard deviation", least=1
    )
    growing: bool = setting(False, _GROWING)

    @property
    def grows(self) -> bool:
        """Whether the network grows with the images."""
        return self.growing

    def freezable(self, images: section.Images) -> int:
        """Returns the layers: the first, two of each block, and the last convolution.

        None where it grows: then another layer is the first one each time.
        """
        if self.growing:
            return 0
        return 2 + 2 * (images.resolution.bit_length() - 3)

    def group(self, batch: int) -> int:
        """Returns how many images of a batch share a minibatch standard deviation."""
        return stylegan2.stddev_group(batch, self.minibatch_stddev_group)

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.stylegan import discriminator

        return discriminator.Discriminator(
            **images._asdict(),
            fmap_base=self.fmap_base,
            fmap_max=self.fmap_max,
            minibatch_stddev_group=self.minibatch_stddev_group,
            growing=self.growing,
            **keras,
        )

    def check(self, images: section.Images) -> None:
        """Checks the widths against the resolution."""
        stylegan2.check_resolution("discriminator", self.fmap_base, images.resolution)

    def check_share(self, share: int, parts: int) -> None:
        """Checks that parts keep the groups of the deviation."""
        stylegan2.check_groups(self.minibatch_stddev_group, share, parts)
