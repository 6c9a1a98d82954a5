"""Finding what is wrong with a dataset: which shard, which record, which byte."""

import hashlib
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from dualcontrast.trainer.data import records
from dualcontrast.trainer.data.manifest import FILE_NAME, Manifest, Shard, open_dataset
from dualcontrast.trainer.errors import UserError


def find(dataset: Manifest, on_count: Callable[[int], None] = lambda count: None) -> str | None:
    """Returns what is wrong with the first damaged shard, or the classes, in one line, or None.

    Args:
      dataset: as it was opened; what changed since is damage too.
      on_count: receives the number of sound records so far.
    """
    try:
        open_dataset(dataset.folder)
    except UserError as error:
        return str(error).splitlines()[0]
    before, labels = 0, Counter[int | None]()
    for shard in dataset.shards:
        if what := _in_shard(dataset, shard, before, labels, on_count):
            return f"Shard {dataset.path(shard)} is damaged: {what}"
        before += shard.records
    return _in_classes(dataset, labels)


def _in_classes(dataset: Manifest, labels: Counter[int | None]) -> str | None:
    for number, category in enumerate(dataset.classes):
        if labels[number] != category.count:
            return (
                f"{dataset.folder / FILE_NAME} is damaged: it gives class {number}"
                f" ({category.name}) {category.count:,} images, its shards {labels[number]:,}"
            )
    return None


def _in_shard(
    dataset: Manifest,
    shard: Shard,
    before: int,
    labels: Counter[int | None],
    on_count: Callable[[int], None],
) -> str | None:
    count = 0
    try:
        for count, record in enumerate(records.read(dataset.path(shard)), 1):
            _check_image(dataset, record)
            labels[_label(dataset, record)] += 1
            on_count(before + count)
    except (records.DamagedRecord, OSError) as error:
        return str(error)
    if count != shard.records:
        return f"it has {count} records, its manifest says {shard.records}"
    if _sha256(dataset.path(shard)) != shard.sha256:
        return "its records are sound, but not those of the manifest (sha256 differs)"
    return None


def _check_image(dataset: Manifest, record: records.Record) -> None:
    expected = (dataset.resolution, dataset.resolution, dataset.channels)
    try:
        features = records.decode_example(record.payload)
        with Image.open(io.BytesIO(features["image"]), formats=[dataset.encoding]) as image:
            received = (*image.size, len(image.getbands()))
            if received == expected:  # Not before: a header may promise any number of pixels.
                image.load()
    except KeyError as error:
        raise _damaged(record, f"it has no feature {error}") from error
    except Exception as error:  # Pillow raises almost anything for damaged files.
        raise _damaged(record, f"its image cannot be decoded ({error})") from error
    if received != expected:
        raise _damaged(record, f"its image is {_size(received)}, expected {_size(expected)}")


def _label(dataset: Manifest, record: records.Record) -> int | None:
    """The label of a record, None where the dataset has no classes."""
    if not dataset.classes:
        return None
    last = len(dataset.classes) - 1
    try:
        label = records.label_of(record.payload)
    except ValueError as error:
        raise _damaged(record, f"its label cannot be read ({error})") from error
    if label is None or label > last:
        found = "no label" if label is None else f"the label {label}"
        raise _damaged(record, f"it has {found}, expected one from 0 to {last}")
    return label


def _damaged(record: records.Record, what: str) -> records.DamagedRecord:
    return records.DamagedRecord(record.index, record.offset, what)


def _size(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, shape))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
