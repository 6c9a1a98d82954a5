"""TFRecords of StyleGAN and StyleGAN2: one file for each resolution, and one with the labels.

    NAME-r08.tfrecords    256x256: records of `shape` [channels, height, width] and `data`, uint8
    NAME-rxx.labels       an array of numpy: a number, or a row with a single 1, for each image

Source: `dataset_tool.py` of NVlabs/stylegan2.
"""

import functools
import glob
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dualcontrast.tools.conversion import label_file
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import raw_pixels, source
from dualcontrast.tools.conversion.sources.source import Entry, Labels, Listing, Opener
from dualcontrast.trainer.data import records
from dualcontrast.trainer.errors import UserError

SUFFIXES = (".tfrecords", ".tfrecord")
_LEVEL = re.compile(r"-r\d\d\.tfrecords?$")
_LABELS = "label"


@dataclass(frozen=True)
class StyleganRecords(source.Source):
    """The images of one file."""

    path: str
    label_names = (_LABELS,)
    has_profiles = False

    def listing(self) -> Listing:
        """One entry a record.

        Raises:
          UserError: the file is cut or damaged, or its records are of another kind.
        """
        name = os.path.basename(self.path)
        try:
            found = list(records.frames(Path(self.path)))
            with open(self.path, "rb") as file:
                for frame in found[:1]:
                    _pixels(records.read_at(file, frame).payload)
        except records.DamagedRecord as damage:
            why = f"{damage}.\nFetch it again"
            raise source.unreadable(self.path, "TFRecords", why) from damage
        except ValueError as error:
            raise UserError(
                f"--source={self.path} has records of another kind: {error}.\n"
                "Expected StyleGAN's, of shape and data; unpack others into image files."
            ) from error
        return Listing(
            [Entry(f"{name}/{n}", one.offset, one.length) for n, one in enumerate(found)]
        )

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        with open(self.path, "rb") as file:
            for entry in entries:
                yield functools.partial(_open_image, file, entry)

    def labels(self, wanted: str) -> Labels | None:
        """The classes in the file of labels, called by their numbers."""
        if wanted != _LABELS:
            return None
        path = _LEVEL.sub("-rxx.labels", self.path)
        if path == self.path or not os.path.exists(path):
            raise UserError(f"--labels={_LABELS}: there is no {path} beside --source={self.path}.")
        try:
            numbers = _numbers(np.load(path, allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            why = str(error).splitlines()[0]
            raise UserError(f"--labels={_LABELS}: {path} cannot be read: {why}.") from error
        count = len(self.listing().entries)
        if len(numbers) != count:
            raise UserError(
                f"--labels={_LABELS}: {path} has labels of {len(numbers):,} images, and"
                f" {self.path} {count:,}."
            )
        return label_file.numbered(path, numbers)


def open_level(folder: str) -> StyleganRecords | None:
    """Returns the source for a folder with a file of one resolution; None if it has none.

    Raises:
      UserError: it has several.
    """
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), "*-r[0-9][0-9].tfrecords")))
    if len(paths) > 1:
        names = ", ".join(os.path.basename(path) for path in paths)
        raise UserError(
            f"--source={folder} has TFRecords of several resolutions: {names}.\n"
            f"Give the largest that you need: --source={paths[-1]}"
        )
    return StyleganRecords(paths[0]) if paths else None


def _numbers(labels: np.ndarray) -> list[int]:
    if labels.ndim == 2 and labels.shape[1]:
        one = labels == 1
        if not ((one.sum(1) == 1) & ((labels != 0).sum(1) == 1)).all():
            raise ValueError("its rows are no classes, expected a single 1 in each")
        labels = one.argmax(1)
    if labels.ndim != 1 or not labels.size or (labels != labels.astype(np.int64)).any():
        raise ValueError(f"it is {labels.dtype} {list(labels.shape)}, expected [images, classes]")
    if labels.min() < 0:
        raise ValueError("it has negative numbers")
    return [int(number) for number in labels]


def _open_image(file: BinaryIO, entry: Entry) -> BinaryIO:
    source.check_bytes(entry.bytes)
    number = int(entry.name.rpartition("/")[2])
    try:
        payload = records.read_at(file, records.Frame(number, entry.place, entry.bytes)).payload
        return io.BytesIO(raw_pixels.as_file(_pixels(payload)))
    except records.DamagedRecord as damage:
        raise Rejected(f"is damaged: {damage.what}") from damage
    except ValueError as error:
        raise Rejected(f"is no image of StyleGAN: {error}") from error


def _pixels(payload: bytes) -> np.ndarray:
    """uint8 [height, width, channels]."""
    features = records.decode_features(payload)
    shape, data = features.get("shape"), features.get("data")
    if not isinstance(shape, tuple) or not isinstance(data, bytes):
        raise ValueError(f"its features are {', '.join(sorted(features)) or 'none'}")
    if len(shape) != 3 or shape[0] not in (1, 3, 4) or len(data) != math.prod(shape):
        raise ValueError(f"a shape of {list(shape)} with {len(data)} bytes of data")
    return np.frombuffer(data, np.uint8).reshape(shape).transpose(1, 2, 0)
