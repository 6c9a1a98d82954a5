"""`dualcontrast-verify` as a user runs it."""

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


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["nowhere"]])
def test_one_dataset_is_needed(bench, arguments):
    bench.assert_refused(bench.run("verify", *arguments))
