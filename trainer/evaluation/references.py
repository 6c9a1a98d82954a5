"""What is known about the real images: gathered once, then kept on disk under its protocol.

    CACHE/references/KEY.npz    count, mean and covariance of the features
    CACHE/references/KEY.npy    the features themselves, where a metric needed them
    CACHE/references/KEY.json   the protocol, of which KEY is the sha256

The protocol names the content of the images (by sha256), their number, crop, filter and mirroring,
and the content and preparation of the extractor: nothing that was replaced is found again.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
from typing import Any

import numpy as np

from dualcontrast.trainer import files
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features.extractor import Extractor
from dualcontrast.trainer.metrics import statistics

# Goes into every key; another number when anything between pixels and sums changes its meaning.
_VERSION = 1
_FIELDS: files.Fields = {"version": int, "images": dict, "extractor": dict}


@dataclasses.dataclass(frozen=True)
class Reference:
    """Features of the real images.

    Attributes:
      statistics: of all of them.
      table: [images, size] float32, or None where they were not kept.
    """

    statistics: statistics.Statistics
    table: np.ndarray | None = None


def protocol(images: ImageSet, extractor: Extractor) -> dict[str, Any]:
    """Returns everything that decides the reference of images and an extractor."""
    return {"version": _VERSION, "images": images.protocol, "extractor": extractor.protocol()}


def key(content: dict[str, Any]) -> str:
    """Returns the sha256 of a protocol."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def of_table(table: np.ndarray) -> Reference:
    """Returns the reference of features, [images, size] float32.

    Raises:
      UserError: see `statistics.deal`.
    """
    (whole,) = statistics.deal(table, parts=1)
    return Reference(whole, table)


def load(folder: pathlib.Path, content: dict[str, Any], with_table: bool) -> Reference | None:
    """Returns what is kept for a protocol; None when that is nothing, too little, or damaged."""
    place = folder / f"{key(content)}.npz"
    count = content["images"]["count"]
    try:
        found = statistics.load(place)
        table = np.load(place.with_suffix(".npy"), "r", allow_pickle=False) if with_table else None
    except (UserError, OSError, ValueError, EOFError):
        return None
    if found.count != count or (table is not None and not _fits(table, found)):
        return None
    return Reference(found, table)


def _fits(table: np.ndarray, found: statistics.Statistics) -> bool:
    return table.shape == (found.count, found.size) and table.dtype == np.float32


def save(folder: pathlib.Path, content: dict[str, Any], found: Reference) -> None:
    """Keeps a reference under its protocol; the table only when it has one.

    Raises:
      UserError: the folder may not be written to, or the disk is full.
    """
    place = folder / f"{key(content)}.npz"
    files.make_folder(folder)
    if found.table is not None:
        _save_table(place.with_suffix(".npy"), found.table)
    save_statistics(place, content, found)


def _save_table(path: pathlib.Path, table: np.ndarray) -> None:
    # Not by way of `files.write`, which would hold a second copy of what may be a gigabyte.
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with files.writing(path):
        try:
            with open(partial, "wb") as file:
                np.save(file, table, allow_pickle=False)
            partial.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def save_statistics(path: pathlib.Path, content: dict[str, Any], found: Reference) -> None:
    """Writes statistics that `load_statistics` reads, and the protocol beside them.

    Raises:
      UserError: the folder may not be written to, or the disk is full.
    """
    found.statistics.save(path)
    files.write_object(path.with_suffix(".json"), content)


def load_statistics(path: pathlib.Path, extractor: Extractor) -> tuple[Reference, dict[str, Any]]:
    """Returns what `save_statistics` wrote, and the protocol of its images.

    Raises:
      UserError: there is no such file, it lacks its protocol, or it is of another extractor.
    """
    found = statistics.load(path)
    beside = path.with_suffix(".json")
    try:
        content = files.read_object(beside, _FIELDS)
    except files.FileError as error:
        raise UserError(
            f"{path} has no protocol in {beside.name}: without it nobody knows what it was taken "
            "from.\nGather it anew from the images with --save_statistics."
        ) from error
    images, made_with = content["images"], content["extractor"]
    same = content["version"] == _VERSION and images.get("count") == found.count
    if not same or made_with != extractor.protocol():
        raise UserError(
            f"{path} was taken with the extractor {made_with.get('name')} "
            f"({made_with.get('sha256', '')[:12]}), this is {extractor.name} "
            f"({extractor.digest[:12]}): gather it anew"
        )
    return Reference(found), images
