"""The augmentations that a configuration may name, each with the fields that it alone has."""

import dataclasses
from typing import Optional

from dualcontrast.trainer.config.field import setting


@dataclasses.dataclass(frozen=True)
class AugmentationSection:
    """The section of an augmentation; `family` is its name in `--config.augmentation=NAME`."""

    family = ""


@dataclasses.dataclass(frozen=True)
class NoAugmentation(AugmentationSection):
    """The discriminator is shown images as they are."""

    family = "none"


@dataclasses.dataclass(frozen=True)
class SomeAugmentation(AugmentationSection):
    """What all have that change something."""

    networks: str = setting(
        "both",
        "whose steps show augmented images to the discriminator; the discriminator's alone teaches"
        " the generator to make augmented ones",
        choices=("both", "discriminator"),
    )


@dataclasses.dataclass(frozen=True)
class DiffAugment(SomeAugmentation):
    """DiffAugment (Zhao et al. 2020): colour, translation and cutout, of every image."""

    family = "diffaugment"
    color: bool = setting(True, "change brightness, saturation and contrast")
    translation: bool = setting(True, "move by up to 1/8 of the side")
    cutout: bool = setting(True, "put zeros in a square of half the side")


# ADA's groups in their order, and the first letters of the first so many.
ADA_GROUPS = ("blit", "geom", "color", "filter", "noise", "cutout")
_ADA_PRESETS = tuple("".join(name[0] for name in ADA_GROUPS[:n]) for n in range(2, 7))


@dataclasses.dataclass(frozen=True)
class ADA(SomeAugmentation):
    """Adaptive augmentation (Karras et al. 2020b): as much as keeps reals from being learnt."""

    family = "ada"
    groups: str = setting(
        "bgc",
        "what is done: one group, or the first letters of the first so many of blit, geom, color,"
        " filter, noise and cutout",
        choices=ADA_GROUPS + _ADA_PRESETS,
    )
    probability: Optional[float] = setting(
        None, "of each augmentation, for each image (none: adapted)", least=0, most=1
    )
    target: float = setting(
        0.6, "the mean sign of reals' logits to which the probability is adapted", above=-1, below=1
    )
    speed_images: int = setting(
        500_000, "images in which an adapted probability can rise from 0 to 1", least=1
    )
    every: int = setting(
        4, "steps of the discriminator from one change of the probability to the next", least=1
    )

    @property
    def chosen(self) -> tuple[str, ...]:
        """The groups, each by its name."""
        if self.groups in ADA_GROUPS:
            return (self.groups,)
        return ADA_GROUPS[: len(self.groups)]


AUGMENTATIONS: dict[str, type[AugmentationSection]] = {
    section.family: section for section in (NoAugmentation, DiffAugment, ADA)
}
