"""Precision, recall, density and coverage: how two clouds of features lie in each other."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import estimate as estimates
from dualcontrast.trainer.metrics import features as tables
from dualcontrast.trainer.metrics.estimate import Estimate

# Rows and columns of the part of the distances that is in memory: 32 MB.
_BLOCK = 2048
# Squared distances below this share of the squared norms are the same point: float32 features
# cannot tell them apart, and rounding must not part a sample from its copy.
_SAME = 1e-12
# Balls are larger by this share, for a sample on the rim is inside and rounding must not decide.
_RIM = 1e-9


@dataclasses.dataclass(frozen=True)
class PrecisionRecall:
    """The four shares; in [0, 1] but for the density, which may be larger.

    Attributes:
      precision: of fakes that lie in the ball of a real.
      recall: of reals that lie in the ball of a fake.
      density: mean number of real balls around a fake, over the number of neighbours.
      coverage: of reals whose ball holds a fake.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def estimate(
    reals: np.ndarray, fakes: np.ndarray, neighbours: int = 3, density_neighbours: int = 5
) -> PrecisionRecall:
    """Returns the shares, each with its standard error while the balls stay as they are.

    A sample's ball reaches to its k-th nearest neighbour of its own kind. Precision and recall are
    those of Kynkaanniemi et al. 2019, section 2; density and coverage of Naeem et al. 2020.

    Departs from the authors' code, which halves the precision of features and leaves out as self
    whatever is nearest: here distances are float64 and self is known by its index, so copies count.

    Args:
      reals: [samples, size] float32 or float64, more samples than neighbours.
      fakes: [samples, size], likewise.
      neighbours: k of precision and recall.
      density_neighbours: k of density and coverage.

    Raises:
      UserError: see `features.checked`, or no neighbour.
    """
    if min(neighbours, density_neighbours) < 1:
        raise UserError(f"{neighbours} and {density_neighbours} neighbours: expected at least 1")
    reals = tables.checked(reals, "real features", max(neighbours, density_neighbours) + 1)
    fakes = tables.checked(fakes, "fake features", neighbours + 1, reals.shape[1])
    # The mean of both clouds goes to 0, where squared norms cost the distances the fewest digits.
    center = reals.mean(axis=0, dtype=np.float64)
    nearest = _nearest(reals, center, max(neighbours, density_neighbours))
    balls, wide_balls = nearest[:, neighbours - 1], nearest[:, density_neighbours - 1]
    fake_balls = _nearest(fakes, center, neighbours)[:, neighbours - 1]
    around = np.zeros(len(fakes), int)
    precise, recalled, covered = (np.zeros(len(x), bool) for x in (fakes, reals, reals))
    for row, column, squares in _blocks(reals, fakes, center):
        precise[column] |= (squares <= balls[row, None]).any(axis=0)
        recalled[row] |= (squares <= fake_balls[column]).any(axis=1)
        inside = squares <= wide_balls[row, None]
        around[column] += inside.sum(axis=0)
        covered[row] |= inside.any(axis=1)
    counts = len(reals), len(fakes)
    return PrecisionRecall(
        precision=_share(precise, neighbours, counts),
        recall=_share(recalled, neighbours, counts),
        density=_share(around / density_neighbours, density_neighbours, counts),
        coverage=_share(covered, density_neighbours, counts),
    )


def _share(values: np.ndarray, neighbours: int, counts: tuple[int, int]) -> Estimate:
    method = f"mean and its standard error, {neighbours} neighbours, the balls taken as given"
    warning = ""
    if min(counts) < 10_000:
        warning = (
            f"{counts[0]} reals and {counts[1]} fakes: balls grow as samples get fewer; compare "
            "with values of the same counts only"
        )
    value, error = float(values.mean()), estimates.standard_error(values)
    return Estimate(value, error, method, *counts, warning)


def _nearest(features: np.ndarray, center: np.ndarray, count: int) -> np.ndarray:
    """Returns the squared radii of the balls to the nearest others, [samples, count], ascending."""
    found = np.full((len(features), count), np.inf)
    for row, column, squares in _blocks(features, features, center):
        if row == column:
            np.fill_diagonal(squares, np.inf)
        both = np.concatenate([found[row], squares], axis=1)
        found[row] = np.partition(both, count - 1, axis=1)[:, :count]
    return np.sort(found, axis=1) * (1 + _RIM)


def _blocks(
    a: np.ndarray, b: np.ndarray, center: np.ndarray
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yields rows, columns and their squared distances, [rows, columns] float64, block by block."""
    for row in _slices(len(a)):
        x = a[row] - center
        for column in _slices(len(b)):
            y = b[column] - center
            norms = _norms(x)[:, None] + _norms(y)
            squares = norms - 2 * (x @ y.T)
            yield row, column, np.where(squares < _SAME * norms, 0.0, squares)


def _slices(count: int) -> list[slice]:
    return [slice(first, min(first + _BLOCK, count)) for first in range(0, count, _BLOCK)]


def _norms(x: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", x, x)
