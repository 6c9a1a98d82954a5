"""The burn-in of a run: numbers that change with the images seen, of which nothing is saved."""

import math
from typing import Union

import tensorflow as tf

from dualcontrast.trainer.config.burn_in_section import BurnInConfig

Factor = Union[tf.Variable, float]


def value_at(start: float, end: float, images_seen: int, images: int) -> float:
    """Returns what a number is once `images_seen` reals have been shown.

    Half a cosine from `start` to `end` (Huang et al. 2024; their program's schedule of the learning
    rate, beta 2, gamma, the half-life of the average and the probability of augmentations).

    Args:
      start, end: at 0 images, and from `images` on.
      images_seen: reals shown so far.
      images: length of the burn-in; 0 for none.
    """
    if images_seen >= images:
        return end
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * images_seen / images))


class BurnIn:
    """Factors on the penalties' weights and on the augmentation's probability.

    Build it inside `strategy.scope()`. What does not change is the number 1.

    Args:
      section: of the configuration.
    """

    def __init__(self, section: BurnInConfig):
        self.section = section
        self.penalties = self._factor("penalties")
        self.augmentation = self._factor("augmentation")

    def factor_at(self, name: str, images_seen: int) -> float:
        """Returns a factor of the section once `images_seen` reals have been shown."""
        return value_at(getattr(self.section, name), 1.0, images_seen, self.section.images)

    def advance(self, images_seen: int) -> None:
        """Gives the factors the values of an iteration that begins at `images_seen`."""
        for name in ("penalties", "augmentation"):
            factor = getattr(self, name)
            if isinstance(factor, tf.Variable):
                factor.assign(self.factor_at(name, images_seen))

    def _factor(self, name: str) -> Factor:
        if not self.section.images or getattr(self.section, name) == 1.0:
            return 1.0
        return variable(self.factor_at(name, 0), name)


def variable(value: float, name: str) -> tf.Variable:
    """Returns a number that is assigned between iterations; every replica has the same."""
    how = tf.VariableAggregation.ONLY_FIRST_REPLICA
    return tf.Variable(value, trainable=False, dtype=tf.float32, aggregation=how, name=name)
