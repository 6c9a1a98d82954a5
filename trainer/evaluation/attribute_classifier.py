"""What tells the attributes of images, for linear separability: a network, or a line upon one."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import linear_model, model_selection

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import fake_labels, gather
from dualcontrast.trainer.evaluation.gather import Need
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.metric_names import MAIN
from dualcontrast.trainer.features.extractor import Extractor, Features

_NOTE = "your own classifier: compare with values of the same one only"
_HELD = 0.2  # Of the labelled images, to measure the classifier with.
_LEAST = 10  # Images of a class.
_STEPS = 1000


@dataclasses.dataclass(frozen=True)
class Line:
    """A linear classifier upon features, one logit an attribute.

    Attributes:
      weights: [width, attributes] float64.
      bias: [attributes] float64.
    """

    weights: np.ndarray
    bias: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Returns [images, attributes] float64 of features, [images, width]."""
        return features.astype(np.float64) @ self.weights + self.bias


@dataclasses.dataclass(frozen=True)
class Classifier:
    """Images to logits of attributes, above 0 where an attribute is there.

    Attributes:
      name: for tables.
      note: what must stand beside a value that was taken with it.
      extractor: the network.
      line: upon its features; None where these, or its logits, are the attributes' logits.
      attributes: their names; none where nobody knows.
      images: that it was trained on here; None for none.
      about: how it was trained and what it reached, ready for JSON.
    """

    name: str
    note: str
    extractor: Extractor
    line: Line | None = None
    attributes: tuple[str, ...] = ()
    images: ImageSet | None = None
    about: dict[str, Any] = dataclasses.field(default_factory=dict)

    def logits(self, found: Features) -> np.ndarray:
        """Returns [images, attributes], of what the extractor says of the images."""
        if self.line is not None:
            return self.line.logits(found.table)
        return found.table if found.logits is None else found.logits

    def protocol(self) -> dict[str, Any]:
        """Returns what decides the logits of given pixels."""
        return {**self.extractor.protocol(), "name": self.name, **self.about}


def of_network(extractor: Extractor) -> Classifier:
    """Returns a network whose logits, or else its only output, are those of attributes."""
    return Classifier(extractor.name, _NOTE, extractor)


def check(images: ImageSet) -> list[int]:
    """Returns the numbers of the classes that a classifier can learn.

    Raises:
      UserError: there are no labels, or fewer than two such classes.
    """
    if not images.classes or images.labels is None:
        raise UserError(
            f"--classifier_data={images.name} has no labels: convert the images with labels"
            " (dualcontrast-convert --labels=folders)"
        )
    sizes = np.bincount(images.labels(), minlength=len(images.classes))
    learnt = [int(label) for label in np.flatnonzero(sizes >= _LEAST)]
    if len(learnt) < 2:
        most = fake_labels.shown(images.classes[sizes.argmax()])
        raise UserError(
            f"--classifier_data={images.name}: expected two classes of {_LEAST} images or more,"
            f" received {sizes.max()} of {most} and {images.count - sizes.max()} others"
        )
    return learnt


def train(
    images: ImageSet,
    extractor: Extractor,
    batch_size: int,
    seed: int = 0,
    on_count: Callable[[int], None] = lambda count: None,
) -> Classifier:
    """Returns a linear classifier: each class against the others, of two classes the second one.

    Logistic regression upon standardised features, with a fifth of each class held out. Departs
    from Karras et al. 2019, section 4.2, who trained a discriminator's network for each of forty
    attributes of faces: this needs neither their weights nor a GPU.

    Args:
      images: labelled. Classes of fewer than ten are left out.
      extractor: of the features.
      batch_size: images that it sees at once.
      seed: of the choice of images that are held out.
      on_count: receives the number of images read so far.

    Raises:
      UserError: see `check`, or an image or its features are not what they should be.
    """
    learnt, labels = check(images), _labels(images)
    need = Need(extractor, batch_size)
    features = gather.gather(images, {MAIN: need}, on_count)[MAIN].table.astype(np.float64)
    kept = np.flatnonzero(np.isin(labels, learnt))
    shown, held = model_selection.train_test_split(
        kept, test_size=_HELD, stratify=labels[kept], random_state=seed
    )
    attributes = learnt if len(learnt) > 2 else learnt[1:]
    line = _fit(features[shown], labels[shown], attributes)
    accuracy = float(np.mean(_predict(line, features[held], learnt) == labels[held]))
    guessing = float(np.bincount(labels[held]).max() / len(held))
    return Classifier(
        f"linear on {extractor.name}",
        f"accuracy {100 * accuracy:.1f} % on {len(held):,} images held out, by guessing"
        f" {100 * guessing:.1f} %",
        extractor,
        line,
        tuple(images.classes[label] for label in attributes),
        images,
        {
            "data": images.protocol,
            "classes": [images.classes[label] for label in learnt],
            "left_out": [name for k, name in enumerate(images.classes) if k not in learnt],
            "seed": seed,
            "held_out": len(held),
            "accuracy": accuracy,
            "accuracy_by_guessing": guessing,
        },
    )


def _labels(images: ImageSet) -> np.ndarray:
    assert images.labels is not None  # `check` has seen to it
    return images.labels()


def _fit(features: np.ndarray, labels: np.ndarray, attributes: list[int]) -> Line:
    """Returns the line of each attribute against the rest."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    # A feature that never varies says nothing, and its deviation is no divisor.
    scale = np.where(deviation > 0, 1 / np.where(deviation > 0, deviation, 1), 0)
    standard = (features - mean) * scale
    fits = [
        linear_model.LogisticRegression(max_iter=_STEPS).fit(standard, labels == label)
        for label in attributes
    ]
    weights = np.stack([fit.coef_[0] * scale for fit in fits], axis=1)
    bias = np.array([fit.intercept_[0] for fit in fits]) - mean @ weights
    return Line(weights, bias)


def _predict(line: Line, features: np.ndarray, learnt: list[int]) -> np.ndarray:
    """Returns the class that each image is taken for."""
    logits = line.logits(features)
    places = (logits[:, 0] > 0).astype(int) if len(learnt) == 2 else logits.argmax(axis=1)
    return np.array(learnt)[places]
