"""The python versions of CIFAR-10 and CIFAR-100, as they are downloaded, or unpacked.

    cifar-10-batches-py/data_batch_1 to 5, test_batch, batches.meta
    cifar-100-python/train, test, meta

Each is a pickle; see `inert_pickle`. Source: https://www.cs.toronto.edu/~kriz/cifar.html
"""

import contextlib
import functools
import io
import os
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from dualcontrast.tools.conversion.sources import inert_pickle, raw_pixels, source
from dualcontrast.tools.conversion.sources.source import Entry, Labels, Listing, Opener
from dualcontrast.trainer.errors import UserError

_SIDE = 32
_FAULTS = (
    *(OSError, EOFError, KeyError, ValueError, TypeError, AttributeError),
    *(tarfile.TarError, zlib.error),
)
_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))


@dataclass(frozen=True)
class _Edition:
    """What its files and the labels in them are called."""

    splits: dict[str, tuple[str, ...]]
    meta: str
    # What --labels may name -> the key of the numbers, and that of the names.
    labels: dict[str, tuple[str, str]]


_EDITIONS = {
    "cifar-10-batches-py": _Edition(
        {"train": _BATCHES, "test": ("test_batch",)},
        "batches.meta",
        {"label": ("labels", "label_names")},
    ),
    "cifar-100-python": _Edition(
        {"train": ("train",), "test": ("test",)},
        "meta",
        {
            "label": ("fine_labels", "fine_label_names"),
            "coarse_label": ("coarse_labels", "coarse_label_names"),
        },
    ),
}


@dataclass(frozen=True)
class Cifar(source.Source):
    """The images of one split.

    Attributes:
      path: of the archive, or the folder that was in it.
      edition: the name of that folder.
      split: "train" or "test".
    """

    path: str
    edition: str
    split: str
    has_profiles = False

    def listing(self) -> Listing:
        """One entry an image, in the order of the batches.

        Raises:
          UserError: a batch is missing or damaged.
        """
        names = [name for name, _ in _images(self)]
        return Listing([Entry(name, n, 3 * _SIDE**2) for n, name in enumerate(names)])

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        images = _images(self)
        for entry in entries:
            yield functools.partial(_open_image, images[entry.place][1])

    @property
    def label_names(self) -> tuple[str, ...]:
        """What the edition has."""
        return tuple(_EDITIONS[self.edition].labels)

    def labels(self, wanted: str) -> Labels | None:
        """The labels of the split, with their names."""
        edition = _EDITIONS[self.edition]
        if wanted not in edition.labels:
            return None
        numbers, names = edition.labels[wanted]
        batches = _batches(self, edition.splits[self.split])
        (meta,) = _batches(self, (edition.meta,))
        with _told(self.path):
            return meta[names], [number for batch in batches for number in batch[numbers]]


def find(path: str) -> str:
    """Returns the edition that a folder or a tar is, by the name of its folder; empty for none."""
    if os.path.isdir(path):
        name = os.path.basename(os.path.abspath(path))
        return name if name in _EDITIONS and os.path.isfile(_meta(path, name)) else ""
    try:
        with tarfile.open(path, "r:*") as archive:
            first = archive.next()
    except (OSError, EOFError, tarfile.TarError):
        return ""
    name = first.name.removeprefix("./").split("/")[0] if first else ""
    return name if name in _EDITIONS else ""


def open_cifar(path: str, edition: str, split: str) -> Cifar:
    """Returns the source for a split, the training images if none is named.

    Raises:
      UserError: there is no such split.
    """
    if split not in ("", "train", "test"):
        raise UserError(
            f"--source={path}:{split}: CIFAR has no {split}, only train and test:"
            f" --source={path}:train"
        )
    return Cifar(path, edition, split or "train")


def _meta(path: str, edition: str) -> str:
    return os.path.join(path, _EDITIONS[edition].meta)


@functools.lru_cache(maxsize=1)
def _images(chosen: Cifar) -> list[tuple[str, np.ndarray]]:
    """Name and pixels, uint8 [32, 32, 3], of every image of a split."""
    found: list[tuple[str, np.ndarray]] = []
    for batch in _batches(chosen, _EDITIONS[chosen.edition].splits[chosen.split]):
        with _told(chosen.path):
            pixels = batch["data"].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
            found += zip(batch["filenames"], pixels, strict=True)
    return [(f"{chosen.split}/{name}", pixels) for name, pixels in found]


def _batches(chosen: Cifar, names: Sequence[str]) -> list[dict[str, Any]]:
    """The contents of some of its files."""
    found = []
    with _told(chosen.path):
        if os.path.isdir(chosen.path):
            for name in names:
                with open(os.path.join(chosen.path, name), "rb") as file:
                    found.append(inert_pickle.read(file))
            return found
        with tarfile.open(chosen.path, "r:*") as archive:
            for name in names:
                member = archive.extractfile(f"{chosen.edition}/{name}")
                found.append(inert_pickle.read(member))
    return found


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    """Says of which archive it is that it is not what it should be."""
    try:
        yield
    except _FAULTS as error:
        why = str(error).strip("'\"").rstrip(".") or type(error).__name__
        raise source.unreadable(path, "CIFAR", f"{why}.\nFetch it again") from error


def _open_image(pixels: np.ndarray) -> BinaryIO:
    return io.BytesIO(raw_pixels.as_file(pixels))
