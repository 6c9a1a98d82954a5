"""`dualcontrast-verify` as a user runs it."""

import shutil

import pytest

from dualcontrast.trainer.data import records


@pytest.fixture
def dataset(bench, tmp_path):
    """20 images in 2 shards."""
    return bench.convert(bench.folder(tmp_path / "in", 20), tmp_path / "data", "--shards=2")


def test_a_sound_dataset_is_said_to_be_sound(bench, dataset):
    done = bench.run("verify", dataset.folder)
    assert done.returncode == 0
    assert done.stdout == f"{dataset.folder} is sound: 20 images in 2 shards.\n"


def test_damage_is_named_by_shard_and_record(bench, dataset):
    path = dataset.path(dataset.shards[1])
    seventh = list(records.read(path))[7]
    content = bytearray(path.read_bytes())
    content[seventh.offset + 40] ^= 1
    path.write_bytes(content)
    done = bench.run("verify", dataset.folder)
    place = f"record 7 (byte {seventh.offset})"
    bench.assert_refused(done, "images-00001-of-00002.tfrecord is damaged", place, "checksum")


def test_classes_are_counted_and_compared(bench, tmp_path):
    source = bench.folder(tmp_path / "in" / "cat", 3).parent
    bench.folder(source / "dog", 2)
    made = bench.convert(source, tmp_path / "data", "--labels=folders")
    changed = tmp_path / "changed"
    shutil.copytree(made.folder, changed)
    text = (changed / "manifest.json").read_text()
    text = text.replace('"count": 3,\n   "name": "cat"', '"count": 2,\n   "name": "cat"')
    text = text.replace('"count": 2,\n   "name": "dog"', '"count": 3,\n   "name": "dog"')
    (changed / "manifest.json").write_text(text)
    sound, damaged = bench.calls("verify", [made.folder], [changed])
    assert sound[:2] == (0, f"{made.folder} is sound: 5 images of 2 classes in 1 shards.\n")
    assert damaged[0] == 2
    assert "manifest.json is damaged: it gives class 0 (cat) 2 images, its shards 3" in damaged[2]


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["nowhere"]])
def test_one_dataset_is_needed(bench, arguments):
    bench.assert_refused(bench.run("verify", *arguments))
