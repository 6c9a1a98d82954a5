"""A dataset with labels, of which every image says what its label is."""

import dataclasses
import hashlib
import io
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from dualcontrast.trainer.data import manifest, records

CLASSES = 5


def label_of(image: np.ndarray) -> int:
    """A number from 0 to 4 of uint8 pixels that is the same when they are mirrored."""
    return int(image.sum(dtype=np.int64)) % CLASSES


def _labelled(payload: bytes) -> tuple[bytes, int]:
    features = records.decode_example(payload)
    with Image.open(io.BytesIO(features["image"])) as image:
        label = label_of(np.asarray(image))
    return records.encode_example(features["image"], features["name"], label), label


@pytest.fixture(scope="session")
def labelled(dataset, tmp_path_factory) -> manifest.Manifest:
    """The images of `dataset`, each with its sum modulo 5 as its label."""
    folder = pathlib.Path(
        shutil.copytree(dataset.folder, tmp_path_factory.mktemp("labels") / "data")
    )
    counts, shards = np.zeros(CLASSES, int), []
    for shard in dataset.shards:
        found = [_labelled(record.payload) for record in records.read(dataset.path(shard))]
        counts += np.bincount([label for _, label in found], minlength=CLASSES)
        content = b"".join(records.frame(payload) for payload, _ in found)
        (folder / shard.name).write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        shards.append(dataclasses.replace(shard, bytes=len(content), sha256=sha256))
    classes = tuple(manifest.Category(f"sum {n}", int(count)) for n, count in enumerate(counts))
    changed = dataclasses.replace(dataset, folder=folder, shards=tuple(shards), classes=classes)
    (folder / manifest.FILE_NAME).write_text(manifest.to_json(changed))
    return manifest.open_dataset(folder)
