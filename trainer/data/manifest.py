"""A dataset on disk: a folder of TFRecord shards and the manifest that vouches for them.

    DATA/manifest.json
    DATA/rejected.csv                       (the images that could not be used, and why)
    DATA/images-00000-of-00016.tfrecord     (the format is in trainer/data/records.py)

A TFRecord that was cut between two records reads as a shorter file without any error, so the
manifest holds the size and the sha256 of every shard. The sizes are compared whenever a dataset is
opened; `dualcontrast-verify` compares the rest.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualcontrast.trainer import files, locations
from dualcontrast.trainer.errors import UserError

FILE_NAME = "manifest.json"
VERSION = 1
ENCODINGS = ("png", "jpeg")


@dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name in the folder, its records, its bytes, and their sha256."""

    name: str
    records: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Category:
    """A class of images, which their labels number from 0: its name and its images."""

    name: str
    count: int


@dataclass(frozen=True)
class Manifest:
    """What is known about a dataset.

    Attributes:
      folder: where it lies; not written to the file, so that a dataset can be moved.
      version: of the layout, `VERSION`.
      count: images in all shards.
      resolution: width and height in pixels, a power of two from 8.
      channels: 1 (grey), 3 (RGB) or 4 (RGBA).
      encoding: "png" or "jpeg".
      crop, filter: the rules that brought the images to this size.
      source: what was converted, as it was typed.
      rejected: source images that could not be used; they are the rows of rejected.csv.
      request: every option of the conversion and a fingerprint of the source's listing.
      shards: in the order of their numbers.
      classes: of the labels, in the order of their numbers; none where images have no labels.
    """

    folder: Path
    version: int
    count: int
    resolution: int
    channels: int
    encoding: str
    crop: str
    filter: str
    source: str
    rejected: int
    request: dict
    shards: tuple[Shard, ...]
    classes: tuple[Category, ...] = ()

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Images of every class."""
        return tuple(category.count for category in self.classes)

    def path(self, shard: Shard) -> Path:
        """Where the file of `shard` lies."""
        return self.folder / shard.name


def shard_name(index: int, shards: int) -> str:
    """The name of shard `index` (from 0) of `shards`."""
    return f"images-{index:05d}-of-{shards:05d}.tfrecord"


def is_resolution(value: int) -> bool:
    """Whether the networks can draw images of this width: a power of two from 8."""
    return value >= 8 and value & (value - 1) == 0


def to_json(manifest: Manifest) -> str:
    """The text of manifest.json."""
    fields = dataclasses.asdict(manifest)
    del fields["folder"]
    if not manifest.classes:
        del fields["classes"]
    return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def open_dataset(folder: str | Path) -> Manifest:
    """Reads a dataset's manifest and checks that every shard is there and has its size.

    Raises:
      UserError: there is no dataset, or the manifest or a shard is not what it should be.
    """
    manifest = read(folder)
    for shard in manifest.shards:
        _check_size(manifest, shard)
    _check_no_strangers(manifest)
    return manifest


def read(folder: str | Path) -> Manifest:
    """Reads a dataset's manifest without looking at the shards.

    Raises:
      UserError: there is no manifest, or it is damaged or of another version.
    """
    try:
        fields = files.read_object(locations.of(folder) / FILE_NAME, advice=_CONVERT_AGAIN)
    except files.Missing:
        raise UserError(_nothing_at(locations.of(folder))) from None
    return _checked(locations.of(folder), fields)


_CONVERT_AGAIN = "Convert the images again: dualcontrast-convert --help"


def _nothing_at(folder: Path) -> str:
    if not folder.is_dir():
        return f"There is no dataset folder {folder}. To make one: dualcontrast-convert --help"
    return (
        f"{folder} is no finished dataset: it has no {FILE_NAME}.\n"
        f"To make one: dualcontrast-convert --source=IMAGES --dest={folder}"
    )


def _checked(folder: Path, fields: dict[str, Any]) -> Manifest:
    path, version = folder / FILE_NAME, fields.get("version")
    if version != VERSION:
        raise UserError(f"{path} has version {version!r}, expected {VERSION}. {_CONVERT_AGAIN}")
    try:
        shards = tuple(Shard(**shard) for shard in fields.pop("shards"))
        classes = tuple(Category(**category) for category in fields.pop("classes", ()))
        manifest = Manifest(folder=folder, shards=shards, classes=classes, **fields)
        consistent = _is_consistent(manifest)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{path} lacks a field, or one is of another kind ({error}). {_CONVERT_AGAIN}"
        ) from None
    if not consistent:
        raise UserError(f"{path} contradicts itself: it was edited or damaged. {_CONVERT_AGAIN}")
    return manifest


def _is_consistent(manifest: Manifest) -> bool:
    names = [shard_name(index, len(manifest.shards)) for index in range(len(manifest.shards))]
    return (
        [shard.name for shard in manifest.shards] == names
        and sum(shard.records for shard in manifest.shards) == manifest.count > 0
        and min(shard.records for shard in manifest.shards) >= 0
        and is_resolution(manifest.resolution)
        and manifest.channels in (1, 3, 4)
        and manifest.encoding in ENCODINGS
        and sum(manifest.class_counts) == (manifest.count if manifest.classes else 0)
        and min(manifest.class_counts, default=0) >= 0
        and len({category.name for category in manifest.classes}) == len(manifest.classes)
    )


def _check_size(manifest: Manifest, shard: Shard) -> None:
    path = manifest.path(shard)
    try:
        size = path.stat().st_size
    except OSError:
        raise UserError(f"Shard {path} is missing. Copy it again, or: {_CONVERT_AGAIN}") from None
    if size != shard.bytes:
        raise UserError(
            f"Shard {path} has {size:,} bytes, its manifest says {shard.bytes:,}: it was cut or"
            f" changed.\nCopy it again, or: {_CONVERT_AGAIN}"
        )


def _check_no_strangers(manifest: Manifest) -> None:
    known = {shard.name for shard in manifest.shards}
    found = {path.name for path in manifest.folder.glob("images-*.tfrecord")}
    if strangers := sorted(found - known):
        raise UserError(
            f"{manifest.folder / strangers[0]} is not in the manifest: two datasets are mixed in"
            " this folder.\nMove it away, or convert into an empty folder."
        )
