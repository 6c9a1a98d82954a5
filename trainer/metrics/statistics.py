"""Mean and covariance of features, gathered batch by batch and shard by shard in float64."""

import io
import os
import zipfile
from collections.abc import Iterable

import numpy as np
from scipy.linalg import blas

from dualcontrast.trainer import files
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import features as tables

# Rows that go to the covariance at once: enough to keep BLAS busy, 8 MB at 2048 columns.
_BLOCK = 512


class Statistics:
    """The count, mean and covariance of all rows added so far.

    Rows wait in a block of fixed size, so that the sums are the same ones however the rows arrived.
    Each block is centred on its own mean and joined to the others by the formula of Chan, Golub and
    LeVeque 1979: features far from zero lose no digits, as they would in sums of squares.

    Args:
      size: columns of the features.
    """

    def __init__(self, size: int):
        self.size = size
        self._count = 0
        self._mean = np.zeros(size)
        # Sum of (x - mean)(x - mean)^T, upper triangle; in the order of Fortran for BLAS.
        self._scatter = np.zeros((size, size), order="F")
        self._waiting: np.ndarray | None = None
        self._rows = 0

    @property
    def count(self) -> int:
        """Samples added so far."""
        return self._count + self._rows

    @property
    def mean(self) -> np.ndarray:
        """The mean, [size] float64; zeros before the first sample."""
        self._flush()
        return self._mean.copy()

    def covariance(self) -> np.ndarray:
        """Returns the sample covariance, over count - 1, [size, size] float64.

        Raises:
          UserError: fewer than two samples.
        """
        if self.count < 2:
            raise UserError(f"a covariance of {self.count} samples: expected at least 2")
        self._flush()
        upper = np.triu(self._scatter)
        return (upper + np.triu(upper, 1).T) / (self._count - 1)

    def add(self, features: np.ndarray) -> None:
        """Adds a batch, [any number, size] float32 or float64.

        Raises:
          UserError: another shape or type, NaN or infinity; nothing of the batch is added then.
        """
        features = tables.checked(features, "features", 0, self.size)
        while len(features):
            if self._waiting is None:
                self._waiting = np.empty((_BLOCK, self.size))
            taken = features[: _BLOCK - self._rows]
            self._waiting[self._rows : self._rows + len(taken)] = taken
            self._rows += len(taken)
            features = features[len(taken) :]
            if self._rows == _BLOCK:
                self._flush()

    def merge(self, other: "Statistics") -> None:
        """Adds the samples of another shard or replica, which is left as it was.

        Raises:
          UserError: it has features of another size.
        """
        if other.size != self.size:
            raise UserError(f"statistics of {other.size} columns merged into {self.size}")
        self._flush()
        other._flush()
        if other._count:
            self._scatter += other._scatter
            between = self._join(other._count, other._mean)
            self._scatter = blas.dsyr(1.0, between, a=self._scatter, overwrite_a=1)

    def save(self, path: str | os.PathLike) -> None:
        """Writes an .npz file without pickled objects, whole or not at all.

        Raises:
          UserError: the folder is missing, may not be written to, or the disk is full.
        """
        self._flush()
        content = io.BytesIO()
        triangle = self._scatter[np.triu_indices(self.size)]
        np.savez(content, count=self._count, mean=self._mean, scatter=triangle)
        files.write(path, content.getvalue())

    def _flush(self) -> None:
        if not self._rows:
            return
        block = self._waiting[: self._rows]
        rows, mean = self._rows, block.mean(axis=0)
        block -= mean
        # The rank-one term that joins two means is one more row of the block.
        block = np.vstack([block, self._join(rows, mean)])
        self._scatter = blas.dsyrk(1.0, block.T, beta=1.0, c=self._scatter, overwrite_c=1)
        self._rows = 0

    def _join(self, count: int, mean: np.ndarray) -> np.ndarray:
        """Adds a count and a mean; returns the row whose square the scatter lacks then."""
        total = self._count + count
        step = mean - self._mean
        row = np.sqrt(self._count * count / total) * step
        self._mean = self._mean + step * (count / total)
        self._count = total
        return row


def merged(parts: Iterable[Statistics]) -> Statistics:
    """Returns the statistics of all parts together, which are left as they were.

    Raises:
      UserError: there is no part, or their features differ in size.
    """
    parts = list(parts)
    if not parts:
        raise UserError("statistics of no part: expected at least one")
    whole = Statistics(parts[0].size)
    for part in parts:
        whole.merge(part)
    return whole


def deal(features: np.ndarray, parts: int = 10, run: int = 1) -> list[Statistics]:
    """Returns the statistics of disjoint parts of a sample, for an error bar of what needs them.

    Rows are dealt out like cards, so that each part is a picture of the whole even where the rows
    are sorted.

    Args:
      features: [samples, size] float32 or float64.
      parts: how many.
      run: rows that stay together; the batch where the features of a batch depend on each other.

    Raises:
      UserError: fewer runs than parts, or as `Statistics.add`.
    """
    features = tables.checked(features, "features", parts * run)
    owner = np.arange(len(features)) // run % parts
    dealt = [Statistics(features.shape[1]) for _ in range(parts)]
    for first in range(0, len(features), _BLOCK):
        block = slice(first, first + _BLOCK)
        for part, own in enumerate(dealt):
            own.add(features[block][owner[block] == part])
    return dealt


def load(path: str | os.PathLike) -> Statistics:
    """Reads what `Statistics.save` wrote; no object is unpickled.

    Raises:
      UserError: the file is missing, damaged, or of another kind.
    """
    try:
        content = io.BytesIO(files.read_bytes(path))
    except files.Missing as error:
        raise UserError(f"there is no file of statistics {path}: gather them anew") from error
    try:
        with np.load(content, allow_pickle=False) as file:
            count, mean, triangle = int(file["count"]), file["mean"], file["scatter"]
        return _restored(count, mean, triangle)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} holds no statistics: delete it, gather them anew") from error


def _restored(count: int, mean: np.ndarray, triangle: np.ndarray) -> Statistics:
    size = len(mean)
    restored = Statistics(size)
    finite = np.isfinite(mean).all() and np.isfinite(triangle).all()
    if count < 0 or mean.dtype != np.float64 or triangle.dtype != np.float64 or not finite:
        raise ValueError("not what save() writes")
    restored._scatter[np.triu_indices(size)] = triangle  # refuses another length
    restored._mean[:] = mean
    restored._count = count
    return restored
