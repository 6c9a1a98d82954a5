"""The classes of the images by which a conditional generator is measured."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import seeds
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation.image_set import ImageSet

_SHOWN = 40  # Characters of a name.


@dataclasses.dataclass(frozen=True)
class Frequencies:
    """How often each class is drawn.

    Attributes:
      source: where that is from: "data", "uniform", or "one" class alone.
      counts: images of each class, in proportion.
    """

    source: str
    counts: tuple[int, ...]

    def protocol(self) -> dict[str, Any]:
        """Returns what decides the labels, for the protocol of the images."""
        return {"drawn": self.source, "counts": list(self.counts)}

    def labels(self, numbers: tf.Tensor) -> tf.Tensor:
        """Returns the class of each image, [n] int64, a function of its number alone.

        Args:
          numbers: [n] int64, of the images; see `generated.Source`.
        """
        ends = tf.constant(list(itertools.accumulate(self.counts)), tf.int64)
        return tf.searchsorted(ends, _places(numbers, ends[-1]), side="right", out_type=tf.int64)


# Of a class each where all are alike likely, and of an image of the data where they are not: so
# that uniform ones are those of `dualcontrast-generate`.
_places = tf.function(
    seeds.labels,
    input_signature=[tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int64)],
    autograph=False,
)


def only(label: int, classes: int) -> Frequencies:
    """Returns the frequencies of one class out of so many."""
    return Frequencies("one", tuple(int(other == label) for other in range(classes)))


def of_reals(reals: ImageSet) -> Frequencies:
    """Returns those of labelled images.

    Raises:
      UserError: their dataset is damaged.
    """
    counts = np.bincount(reals.labels(), minlength=len(reals.classes))
    return Frequencies("data", tuple(map(int, counts)))


def uniform(name: str, classes: tuple[str, ...]) -> Frequencies | None:
    """Returns equal ones, None where there are no classes; see `choose`."""
    return Frequencies("uniform", (1,) * len(classes)) if classes else None


def choose(
    name: str, classes: tuple[str, ...], reals: ImageSet | None, asked: str | None
) -> Frequencies | None:
    """Returns how often each class of a generator is drawn, None where it has none.

    Args:
      name: of the generator.
      classes: their names.
      reals: to compare with; None where nothing is, or nothing is known of them.
      asked: "data" or "uniform"; None for those of the data, where it has labels.

    Raises:
      UserError: the generator has no classes, the reals have others, or none and were asked for.
    """
    if not classes:
        if asked:
            raise UserError(f"--fake_labels={asked}: {name} has no classes: drop the flag")
        return None
    if reals is None or not reals.classes:
        if asked == "data":
            raise UserError(f"--fake_labels=data: {_unlabelled(reals)}: expected uniform")
        if asked is None:
            print(f"{_unlabelled(reals)}: all classes are drawn alike", flush=True)
        return uniform(name, classes)
    check_classes(name, classes, reals)
    return uniform(name, classes) if asked == "uniform" else of_reals(reals)


def check_classes(name: str, classes: tuple[str, ...], reals: ImageSet) -> None:
    """Checks that the labels of a generator and of real images mean the same.

    Raises:
      UserError: they do not.
    """
    if classes == reals.classes:
        return
    pairs = itertools.zip_longest(classes, reals.classes, fillvalue="none")
    place, (own, other) = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
    raise UserError(
        f"{reals.name} has {len(reals.classes)} classes, {name} {len(classes)}: number {place} is"
        f" {shown(other)} there and {shown(own)} here.\nGive images of the same classes, in order"
    )


def shown(name: str) -> str:
    """Returns the name of a class in one line of at most 40 characters."""
    line = name if name.isprintable() else repr(name)
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


def _unlabelled(reals: ImageSet | None) -> str:
    return f"{reals.name} has no labels" if reals else "there are no labelled images"
