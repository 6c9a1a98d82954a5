"""The augmentations that a configuration may name, each with the fields that it alone has."""

import dataclasses

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


AUGMENTATIONS: dict[str, type[AugmentationSection]] = {
    section.family: section for section in (NoAugmentation, DiffAugment)
}
