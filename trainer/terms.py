"""What a network minimises: the adversarial loss, penalties and regularisers, each a term.

A term says what each sample contributes and what the loss is of these contributions. The trainer
adds up the terms of a step, takes the gradient, in parts if need be, and applies it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import draws

Gather = Callable[[tf.Tensor], tf.Tensor]
_Value = TypeVar("_Value")


class _once(Generic[_Value]):
    """A property that is computed once.

    Departs from functools.cached_property, which until Python 3.12 holds a lock meanwhile, one for
    all instances: a replica that waits inside for the others' moments would wait for ever.
    """

    def __init__(self, compute: Callable[[Any], _Value]):
        self._compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, instance: Any, owner: type) -> _Value:
        if instance is None:
            return self  # type: ignore[return-value]  # the class's documentation
        name = self._compute.__name__
        if name not in vars(instance):
            vars(instance)[name] = self._compute(instance)
        return vars(instance)[name]


class Augmentation:
    """A change of images before they are judged; this one changes nothing.

    Attributes:
      networks: whose steps show the discriminator augmented images.
      slopes_after: whether penalties take a slope at the augmented image, and not at the image.
    """

    networks: tuple[str, ...] = ()
    slopes_after = True

    def __call__(self, images: tf.Tensor, draws: draws.Draws) -> tf.Tensor:
        """Returns the images as the discriminator is shown them, of the same shape."""
        return images

    def terms(self) -> list["Term"]:
        """Returns what has to be done in the discriminator's steps besides."""
        return []


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """The samples that are computed at once: a replica's share of a batch, or a part of it.

    What several terms need of it is computed once.

    Attributes:
      generator, discriminator: in training.
      reals: images [samples, height, width, channels] float32 in [-1, 1], and their labels.
      references: such images; None where the discriminator is not given any.
      draws: of these samples.
      augmentation: of the images that the discriminator is shown in this step.
    """

    generator: networks.Generator
    discriminator: networks.Discriminator
    reals: networks.Batch
    references: tf.Tensor | None
    draws: draws.Draws
    augmentation: Augmentation = Augmentation()

    @_once
    def fakes(self) -> networks.Batch:
        """The generator's images, and the labels that they were made for."""
        inputs = self.generator.draw(self.draws)
        return networks.Batch(self.generator.images(inputs), inputs.get("labels"))

    def with_fakes(self, images: tf.Tensor) -> "Part":
        """Returns the part with other images in place of the fakes, of the same labels."""
        found = dataclasses.replace(self)
        vars(found)["fakes"] = self.fakes._replace(images=images)
        return found

    def shown(self, images: tf.Tensor, name: str) -> tf.Tensor:
        """Returns images as the discriminator is shown them.

        Args:
          images: [samples, ...].
          name: what they are; those of one name are changed alike.
        """
        return self.augmentation(images, self.draws.named(name))

    @_once
    def shown_reals(self) -> networks.Batch:
        """The reals as the discriminator is shown them."""
        return self.reals._replace(images=self.shown(self.reals.images, "reals"))

    @_once
    def shown_fakes(self) -> networks.Batch:
        """The fakes as the discriminator is shown them."""
        return self.fakes._replace(images=self.shown(self.fakes.images, "fakes"))

    @_once
    def shown_references(self) -> tf.Tensor | None:
        """A real for every real, as the discriminator is shown it; None where it is given none.

        Rolled references are constants to a derivative by the images, even though they are the same
        reals.
        """
        references = self.references
        if self.discriminator.takes_references and references is None:
            references = tf.roll(self.reals.images, -1, axis=0)
        return None if references is None else self.shown(references, "references")

    @_once
    def outputs_of_fakes(self) -> networks.Outputs:
        """What the discriminator says of fakes; reals are not judged."""
        return self._compare(judge_reals=False)[1]

    @_once
    def outputs_of_both(self) -> tuple[networks.Outputs, networks.Outputs]:
        """What the discriminator says of reals, and of fakes."""
        return self._compare(judge_reals=True)

    def _compare(self, judge_reals: bool):
        return self.discriminator.compare(
            self.shown_reals,
            self.shown_fakes,
            None if self.references is None else self.shown(self.references, "references"),
            judge_reals,
        )


class Term:
    """A part of what a network minimises.

    Attributes:
      weight: of its loss; with 0 it is off, and only what it keeps is there.
      every: None where it is a part of every update of its network; a number k where it is an
        update of its own in every k-th iteration, multiplied by k (lazy regularisation, Karras et
        al. 2020, appendix B).
      numbers: tensors that `outputs` returns.
      metrics: names of the scalars that `loss` returns besides the loss.
      couples: whether the loss is more than a mean over samples.
      passes: batches that `outputs` has the discriminator judge.
      makes_fakes: whether `outputs` makes images with the generator.
    """

    weight: float = 1.0
    every: int | None = None
    numbers = 1
    metrics: tuple[str, ...] = ()
    couples = False
    passes = 0
    makes_fakes = True

    def samples(self, share: int) -> int:
        """Returns how many samples a replica takes of a share of `share`."""
        return share

    def outputs(self, part: Part) -> list[tf.Tensor]:
        """Returns what each sample contributes, [samples, ...] each; without side effects."""
        raise NotImplementedError

    def loss(self, outputs: list[tf.Tensor], gather: Gather) -> tuple[tf.Tensor, dict[str, Any]]:
        """Returns the weighted loss of a replica's samples, a scalar, and scalars by name.

        Args:
          outputs: of all parts.
          gather: from a replica's [samples, ...] to those of all replicas; if it couples.
        """
        raise NotImplementedError

    def finish(self, metrics: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Assigns what the term keeps of a step, and returns what is reported of it."""
        return metrics

    def variables(self) -> dict[str, tf.Variable]:
        """Returns what the term keeps, by the name in checkpoints."""
        return {}
