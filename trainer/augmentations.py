"""How the discriminator is shown images: the augmentation that a configuration chooses."""

import functools
from collections.abc import Callable

import tensorflow as tf

from dualcontrast.augmentation.diffaugment import color, cutout, translation
from dualcontrast.augmentation.draws import Draws
from dualcontrast.augmentation.flip_shift import flip_shift
from dualcontrast.augmentation.simclr import cutout as black_square
from dualcontrast.augmentation.simclr.color_jitter import color_jitter
from dualcontrast.augmentation.simclr.gaussian_blur import gaussian_blur
from dualcontrast.augmentation.simclr.grayscale import grayscale
from dualcontrast.augmentation.simclr.random_resized_crop import random_resized_crop
from dualcontrast.trainer import adaptive_augmentation
from dualcontrast.trainer.burn_in import Factor
from dualcontrast.trainer.config import augmentation_sections
from dualcontrast.trainer.terms import Augmentation

Change = Callable[[tf.Tensor, Draws], tf.Tensor]


class Sequence(Augmentation):
    """Changes, one after the other.

    Args:
      networks: whose steps show augmented images: "both", or "discriminator".
      changes: of images in [-1, 1] by draws of their own, by name.
    """

    def __init__(self, networks: str, changes: dict[str, Change]):
        self.networks = _NETWORKS[networks]
        self.changes = changes

    def __call__(self, images: tf.Tensor, draws: Draws) -> tf.Tensor:
        """Returns the images after the last change."""
        for name, change in self.changes.items():
            images = change(images, draws.named(name))
        return images


_NETWORKS = {"both": ("generator", "discriminator"), "discriminator": ("discriminator",)}


def of(
    section: augmentation_sections.AugmentationSection, batch_size: int, factor: Factor = 1.0
) -> Augmentation:
    """Returns the augmentation that a section describes; build it inside `strategy.scope()`.

    Args:
      section: of the configuration.
      batch_size: real images of a step, over all devices together.
      factor: on a fixed probability, which a burn-in changes.
    """
    match section:
        case augmentation_sections.NoAugmentation():
            return Augmentation()
        case augmentation_sections.DiffAugment():
            return Sequence(section.networks, _of_diffaugment(section))
        case augmentation_sections.SimCLR():
            return Sequence(section.networks, _of_simclr(section))
        case augmentation_sections.FlipShift():
            change = functools.partial(flip_shift, shift=section.shift)
            return Sequence(section.networks, {"flip_shift": change})
        case augmentation_sections.ADA():
            networks = _NETWORKS[section.networks]
            return adaptive_augmentation.AdaptiveAugmentation(section, networks, batch_size, factor)
    raise TypeError(f"no augmentation for {type(section).__name__}")


def _of_diffaugment(section: augmentation_sections.DiffAugment) -> dict[str, Change]:
    changes: dict[str, tuple[Change, bool]] = {
        "color": (color.color, section.color),
        "translation": (translation.translation, section.translation),
        "cutout": (cutout.cutout, section.cutout),
    }
    return {name: change for name, (change, on) in changes.items() if on}


def _of_simclr(section: augmentation_sections.SimCLR) -> dict[str, Change]:
    jitter = functools.partial(
        color_jitter,
        strength=section.jitter,
        hue=section.hue,
        straight_through=section.hsv_gradient == "straight_through",
    )
    crop = functools.partial(random_resized_crop, least_area=section.least_area)
    changes: dict[str, tuple[Change, bool]] = {
        "random_resized_crop": (crop, True),
        "color_jitter": (jitter, True),
        "grayscale": (grayscale, True),
        "gaussian_blur": (gaussian_blur, section.blur),
        "cutout": (black_square.cutout, section.cutout),
    }
    return {name: _from_zero_to_one(change) for name, (change, on) in changes.items() if on}


def _from_zero_to_one(change: Change) -> Change:
    """Returns a change of images in [0, 1] as one of those in [-1, 1]."""
    return lambda images, draws: 2 * change((images + 1) / 2, draws) - 1
