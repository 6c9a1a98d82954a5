"""The augmentations that a configuration may name, each with the fields that it alone has."""

import dataclasses
from typing import Optional

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class AugmentationSection:
    """The section of an augmentation; `family` is its name in `--config.augmentation=NAME`."""

    family = ""

    def check(self, images: section.Images) -> None:
        """Checks what the fields say together, and with the images; alone each is valid.

        Args:
          images: that the networks make and judge; what the dataset has yet to say is None.

        Raises:
          UserError: a contradiction.
        """


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


@dataclasses.dataclass(frozen=True)
class SimCLR(SomeAugmentation):
    """SimCLR's (Chen et al. 2020) as ContraD has it: crop and flip, colours, some grey.

    The defaults are those of CIFAR-10. CelebA-HQ at 128x128 has the blur too; AFHQ at 512x512
    stronger ones, least_area 0.08, jitter 0.8 and hue 0.2, and but for dogs the cutout.
    """

    family = "simclr"
    least_area: float = setting(
        0.2, "smallest crop, as a share of the image's area", above=0, most=1
    )
    jitter: float = setting(
        0.4,
        "most that contrast, saturation and value change by; 0.4 is a factor from 0.6 to 1.4",
        least=0,
        most=1,
    )
    hue: float = setting(
        0.1, "most that the hue turns, each way; 1 would be 255/360 of a turn", least=0, most=1
    )
    hsv_gradient: str = setting(
        "straight_through",
        "how the gradient passes the step of hue, saturation and value: as it is, or exactly",
        choices=("straight_through", "exact"),
    )
    blur: bool = setting(False, "blur every second image, by a Gaussian of 0.1 to 2 pixels")
    cutout: bool = setting(False, "put a black square of half the side in every second image")

    def check(self, images: section.Images) -> None:
        """Checks that images are large enough, and have colours where those are asked for."""
        if images.channels == 1 and self.hsv_gradient != "straight_through":
            raise UserError(
                f"augmentation.hsv_gradient={self.hsv_gradient}, and images of one channel have no"
                " hue and no saturation: drop it, or use images of 3 channels"
            )
        # The kernel of smaller ones has one pixel.
        if self.blur and images.resolution is not None and images.resolution < 20:
            raise UserError(
                f"augmentation.blur=true does nothing to images of {images.resolution} pixels,"
                " expected 20 at least: try --config.augmentation.blur=false"
            )


@dataclasses.dataclass(frozen=True)
class FlipShift(SomeAugmentation):
    """The flip and shift of consistency regularisation (Zhang et al. 2020)."""

    family = "flip_shift"
    shift: float = setting(
        0.125, "most that an image moves along an axis, as a share of its side", least=0, most=0.5
    )

    def check(self, images: section.Images) -> None:
        """Checks that there is a pixel to move by."""
        side = images.resolution
        if side is not None and self.shift and int(side * self.shift + 0.5) == 0:
            raise UserError(
                f"augmentation.shift={self.shift} is less than half a pixel of {side}:"
                f" try --config.augmentation.shift={1 / side}, or 0 for the flip alone"
            )


# ADA's groups in their order, and the first letters of the first so many.
ADA_GROUPS = ("blit", "geom", "color", "filter", "noise", "cutout")
_ADA_PRESETS = tuple("".join(name[0] for name in ADA_GROUPS[:n]) for n in range(2, 7))
_ADA_PRESET_OF_R3GAN = "bgc+cutout"


@dataclasses.dataclass(frozen=True)
class ADA(SomeAugmentation):
    """Adaptive augmentation (Karras et al. 2020b): as much as keeps reals from being learnt."""

    family = "ada"
    groups: str = setting(
        "bgc",
        "what is done: one group, or the first letters of the first so many of blit, geom, color,"
        " filter, noise and cutout; or R3GAN's",
        choices=(*ADA_GROUPS, *_ADA_PRESETS, _ADA_PRESET_OF_R3GAN),
    )
    probability: Optional[float] = setting(
        None, "of each augmentation, for each image (none: adapted)", least=0, most=1
    )
    color: float = setting(
        1.0,
        "probability of each change of colours, in units of the others' (0.5 in R3GAN)",
        least=0,
        most=1,
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
        if self.groups == _ADA_PRESET_OF_R3GAN:
            return ("blit", "geom", "color", "cutout")
        return ADA_GROUPS[: len(self.groups)]


AUGMENTATIONS: dict[str, type[AugmentationSection]] = {
    kind.family: kind for kind in (NoAugmentation, DiffAugment, SimCLR, FlipShift, ADA)
}
