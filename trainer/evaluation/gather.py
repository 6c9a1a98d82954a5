"""One pass over images, in which every extractor sees every image once."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np

from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features.extractor import Extraction, Extractor, Features


@dataclasses.dataclass(frozen=True)
class Need:
    """What is asked of an extractor.

    Attributes:
      extractor: to run.
      batch_size: images that it sees at once.
      whole_batches: leaves out the images after the last whole batch, for a network whose features
        depend on the rest of the batch.
    """

    extractor: Extractor
    batch_size: int
    whole_batches: bool = False

    @functools.cached_property
    def extraction(self) -> Extraction:
        """The extractor, traced once for all sets of images that are gathered for this need."""
        return Extraction(self.extractor, self.batch_size)


def gather(
    images: ImageSet, needs: Mapping[str, Need], on_count: Callable[[int], None]
) -> dict[str, Features]:
    """Returns the features of all images, by the names of `needs`.

    Args:
      images: to read, once.
      needs: by names of the caller's.
      on_count: receives the number of images read so far.

    Raises:
      UserError: an image or its features are not what they should be.
    """
    gatherers = {name: _Gatherer(need, images.count) for name, need in needs.items()}
    done = 0
    for batch in images.read():
        for gatherer in gatherers.values():
            gatherer.add(batch)
        done += len(batch)
        on_count(done)
    return {name: gatherer.finish() for name, gatherer in gatherers.items()}


class _Gatherer:
    """Brings images to the batches of one extractor, and its features into one table."""

    def __init__(self, need: Need, count: int):
        self._need, self._count = need, count
        self._waiting: list[np.ndarray] = []
        self._table: np.ndarray | None = None
        self._logits: np.ndarray | None = None
        self._done = 0

    def add(self, images: np.ndarray) -> None:
        self._waiting.append(images)
        while sum(map(len, self._waiting)) >= self._need.batch_size:
            joined = np.concatenate(self._waiting)
            self._put(joined[: self._need.batch_size])
            self._waiting = [joined[self._need.batch_size :]]

    def finish(self) -> Features:
        rest = np.concatenate(self._waiting)
        if len(rest) and not self._need.whole_batches:
            self._put(rest)
        logits = None if self._logits is None else self._logits[: self._done]
        return Features(self._table[: self._done], logits)

    def _put(self, images: np.ndarray) -> None:
        found = self._need.extraction(images, self._done)
        if self._table is None:
            # Made once: half as much memory as a list of batches that is joined in the end.
            self._table = np.empty((self._count, found.table.shape[1]), np.float32)
            if found.logits is not None:
                self._logits = np.empty((self._count, found.logits.shape[1]), np.float32)
        place = slice(self._done, self._done + len(images))
        self._table[place] = found.table
        if self._logits is not None:
            self._logits[place] = found.logits
        self._done += len(images)
