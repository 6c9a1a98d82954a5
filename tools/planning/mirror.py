"""Whether images of a dataset could be mirrored: whether anything tells them from their mirrors."""

import dataclasses
import math

import numpy as np

from dualcontrast.tools.planning import numbers
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.evaluation import image_set
from dualcontrast.trainer.features import embedded, extractor

_BATCH = 64


@dataclasses.dataclass(frozen=True)
class Look:
    """What was found: images looked at, and the share of them that were told from their mirrors."""

    count: int
    told: float

    @property
    def error(self) -> float:
        """The standard error of the share where nothing tells them apart: a coin's."""
        return 0.5 / math.sqrt(self.count)

    @property
    def is_symmetric(self) -> bool:
        """Whether the share is small beyond doubt."""
        return self.told + numbers.MIRROR_ERRORS * self.error <= numbers.MIRROR_TOLD

    @property
    def is_undecided(self) -> bool:
        """Whether the share is neither small beyond doubt, nor greater than a coin's."""
        return not self.is_symmetric and self.told - numbers.MIRROR_ERRORS * self.error <= 0.5


def look(dataset: manifest.Manifest) -> Look:
    """Returns how well images are told from their mirrors by what the embedded extractor sees.

    Args:
      dataset: opened.

    Raises:
      UserError: it is damaged.
    """
    whole = image_set.of_dataset(dataset, None, dataset.count)
    images = image_set.draw(whole, numbers.MIRROR_IMAGES)
    return Look(len(images), told_share(images))


def told_share(images: np.ndarray) -> float:
    """Returns the share of images that a linear classifier tells from their mirrors, in [0, 1].

    It is fitted to differences of features, f(image) - f(mirror), by ridge regression on 1; of an
    image that it was not fitted to it takes the side with the greater output for the original. If
    the mirror of an image is as likely as the image, the difference is as likely as its negative,
    and the share is 1/2 but for chance.

    Args:
      images: uint8 [count, side, side, channels]; of four channels the last is not looked at.
    """
    differences = _differences(images[..., :3])
    part = np.arange(len(images)) % numbers.MIRROR_PARTS
    outputs = np.concatenate(
        [
            differences[part == k] @ _fitted(differences[part != k])
            for k in range(numbers.MIRROR_PARTS)
        ]
    )
    return float(np.mean(0.5 + 0.5 * np.sign(outputs)))


def _differences(images: np.ndarray) -> np.ndarray:
    """Returns f(image) - f(mirror) with a mean square of 1 each, [count, features] float64."""
    extract = extractor.Extraction(embedded.load(), _BATCH)
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    found = extract(images).table.astype(np.float64) - extract(mirrored).table
    scale = np.sqrt(np.mean(found**2, axis=0))
    # Of images that are their own mirrors nothing but rounding is left.
    return np.where(scale > 1e-4, found / np.maximum(scale, 1e-4), 0.0)


def _fitted(differences: np.ndarray) -> np.ndarray:
    """Returns the weights [features] of the ridge regression of 1 on differences."""
    squares = differences.T @ differences
    ridge = numbers.MIRROR_RIDGE * len(differences) * np.eye(len(squares))
    return np.linalg.solve(squares + ridge, differences.sum(axis=0))
