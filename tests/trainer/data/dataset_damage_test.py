"""All that can be wrong with a dataset is found, and the first damage is placed."""

import dataclasses
import hashlib
import pathlib
import shutil

import numpy as np
import pytest

from dualcontrast.tools.conversion import encoding
from dualcontrast.trainer.data import dataset_damage, manifest, records

SHARD = "images-00001-of-00003.tfrecord"


@pytest.fixture
def copy(dataset, tmp_path) -> manifest.Manifest:
    """A copy of the dataset that a test may spoil."""
    return manifest.open_dataset(shutil.copytree(dataset.folder, tmp_path / "copy"))


def replace_record(copy: manifest.Manifest, index: int, payload: bytes) -> manifest.Manifest:
    """Replaces a record and brings the manifest into line, as a bad converter would have."""
    path = copy.folder / SHARD
    payloads = [record.payload for record in records.read(path)]
    payloads[index] = payload
    path.write_bytes(b"".join(map(records.frame, payloads)))
    content = path.read_bytes()
    shards = list(copy.shards)
    sha256 = hashlib.sha256(content).hexdigest()
    shards[1] = dataclasses.replace(shards[1], bytes=len(content), sha256=sha256)
    changed = dataclasses.replace(copy, shards=tuple(shards))
    (copy.folder / "manifest.json").write_text(manifest.to_json(changed))
    return changed


def image(*shape: int) -> bytes:
    return encoding.encode(np.zeros(shape, np.uint8), "png")


def test_nothing_is_wrong_with_a_sound_dataset(copy):
    counts = []
    assert dataset_damage.find(copy, counts.append) is None
    assert counts == list(range(1, 97))


def test_every_flipped_bit_is_found(copy):
    path = copy.folder / SHARD
    content, random = path.read_bytes(), np.random.default_rng(0)
    for place in random.integers(0, len(content), 100):
        damaged = bytearray(content)
        damaged[place] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        assert f"{SHARD} is damaged: record " in dataset_damage.find(copy)


@pytest.mark.parametrize(
    "payload, what",
    [
        (records.encode_example(image(16, 16, 3), b"a"), "its image is 16x16x3, expected 8x8x3"),
        (records.encode_example(image(8, 8, 1), b"a"), "its image is 8x8x1, expected 8x8x3"),
        (records.encode_example(b"text", b"a"), "its image cannot be decoded"),
        (records.encode_example(image(8, 8, 3)[:-30], b"a"), "its image cannot be decoded"),
        (b"text", "its image cannot be decoded"),
        (records.encode_example(b"", b"a").replace(b"image", b"bytes"), "no feature 'image'"),
    ],
    ids=["size", "channels", "text", "cut", "payload", "feature"],
)
def test_a_sound_record_that_holds_the_wrong_thing_is_named(copy, payload, what):
    found = dataset_damage.find(replace_record(copy, 5, payload))
    assert f"{SHARD} is damaged: record 5 (byte" in found
    assert what in found


@pytest.mark.parametrize(
    "label, what",
    [
        (None, "it has no label, expected one from 0 to 4"),
        (5, "it has the label 5, expected one from 0 to 4"),
        (2**64 - 1, "it has the label 18446744073709551615, expected"),  # TensorFlow's -1.
    ],
)
def test_a_record_with_a_wrong_label_is_named(labelled, tmp_path, label, what):
    copy = manifest.open_dataset(shutil.copytree(labelled.folder, tmp_path / "copy"))
    payload = records.encode_example(image(8, 8, 3), b"a", label)
    found = dataset_damage.find(replace_record(copy, 5, payload))
    assert f"{SHARD} is damaged: record 5 (byte" in found
    assert what in found


def test_a_label_that_is_no_number_is_named(labelled, tmp_path):
    copy = manifest.open_dataset(shutil.copytree(labelled.folder, tmp_path / "copy"))
    # The feature `name` of another name: bytes where a number should be.
    payload = records.encode_example(image(8, 8, 3), b"abc").replace(b"\x04name", b"\x05label")
    payload = payload.replace(b"\x0a\x0f\x0a\x05label", b"\x0a\x10\x0a\x05label")
    payload = payload[:1] + bytes([payload[1] + 1]) + payload[2:]
    found = dataset_damage.find(replace_record(copy, 5, payload))
    assert f"{SHARD} is damaged: record 5 (byte" in found
    assert "its label cannot be read (a label that is no number)" in found


def test_class_counts_that_contradict_the_records_are_found(labelled):
    assert dataset_damage.find(labelled) is None
    first, second, *others = labelled.classes
    more = dataclasses.replace(first, count=first.count + 1)
    fewer = dataclasses.replace(second, count=second.count - 1)
    changed = dataclasses.replace(labelled, classes=(more, fewer, *others))
    found = dataset_damage.find(changed)
    assert f"manifest.json is damaged: it gives class 0 (sum 0) {more.count} images" in found
    assert f"its shards {first.count}" in found


def test_shards_that_changed_places_are_found(copy):
    # The images of a scene are about as long as others, but hardly ever exactly.
    first, second = (copy.folder / shard.name for shard in copy.shards[:2])
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert "images-0000" in dataset_damage.find(copy)


def test_another_image_of_the_same_size_is_found(copy):
    path = copy.folder / SHARD
    found = list(records.read(path))
    content = b"".join(records.frame(record.payload) for record in reversed(found))
    path.write_bytes(content)
    assert "sha256 differs" in dataset_damage.find(copy)


def test_a_count_that_does_not_fit_is_found(copy):
    path = copy.folder / SHARD
    first, second, *others = [record.payload for record in records.read(path)]
    size = len(first) + len(second) + 16  # One record as long as two, with a long name.
    payloads = (records.encode_example(image(8, 8, 3), b"x" * length) for length in range(size))
    longer = next(payload for payload in payloads if len(payload) == size)
    path.write_bytes(b"".join(map(records.frame, [longer, *others])))
    assert f"{SHARD} is damaged: it has 31 records, its manifest says 32" in dataset_damage.find(
        copy
    )


def test_a_missing_shard_is_found(copy):
    pathlib.Path(copy.folder / SHARD).unlink()
    assert f"{SHARD} is missing" in dataset_damage.find(copy)
