"""How the discriminator is shown images: the augmentation that a configuration chooses."""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.augmentation.diffaugment import color, cutout, translation
from dualcontrast.augmentation.draws import Draws
from dualcontrast.trainer import adaptive_augmentation
from dualcontrast.trainer.config import augmentation_sections
from dualcontrast.trainer.terms import Augmentation

Change = Callable[[tf.Tensor, Draws], tf.Tensor]


class Sequence(Augmentation):
    """Changes, one after the other.

    Args:
      networks: whose steps show augmented images: "both", or "discriminator".
      changes: of images by draws.
    """

    def __init__(self, networks: str, changes: list[Change]):
        self.networks = _NETWORKS[networks]
        self._changes = changes

    def __call__(self, images: tf.Tensor, draws: Draws) -> tf.Tensor:
        """Returns the images after the last change."""
        for change in self._changes:
            images = change(images, draws.named(change.__name__))
        return images


_NETWORKS = {"both": ("generator", "discriminator"), "discriminator": ("discriminator",)}


def of(section: augmentation_sections.AugmentationSection, batch_size: int) -> Augmentation:
    """Returns the augmentation that a section describes; build it inside `strategy.scope()`.

    Args:
      section: of the configuration.
      batch_size: real images of a step, over all devices together.
    """
    match section:
        case augmentation_sections.NoAugmentation():
            return Augmentation()
        case augmentation_sections.DiffAugment():
            changes = {
                color.color: section.color,
                translation.translation: section.translation,
                cutout.cutout: section.cutout,
            }
            return Sequence(section.networks, [change for change, on in changes.items() if on])
        case augmentation_sections.ADA():
            networks = _NETWORKS[section.networks]
            return adaptive_augmentation.AdaptiveAugmentation(section, networks, batch_size)
    raise TypeError(f"no augmentation for {type(section).__name__}")
