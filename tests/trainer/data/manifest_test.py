"""A dataset is opened when it is whole, and otherwise what is wrong with it is said."""

import json
import pathlib
import shutil

import pytest

from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError


@pytest.fixture
def folder(dataset, tmp_path) -> pathlib.Path:
    """A copy of the dataset that a test may spoil."""
    return pathlib.Path(shutil.copytree(dataset.folder, tmp_path / "copy"))


def edit(folder: pathlib.Path, **changes) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refusal(folder: pathlib.Path) -> str:
    with pytest.raises(UserError) as caught:
        manifest.open_dataset(folder)
    text = str(caught.value)
    assert len(text.splitlines()) <= 2
    return text


def test_a_dataset_can_be_opened_and_moved(dataset, folder):
    opened = manifest.open_dataset(folder)
    assert (opened.count, opened.resolution, opened.channels) == (96, 8, 3)
    assert opened.shards == dataset.shards
    assert opened.path(opened.shards[1]) == folder / "images-00001-of-00003.tfrecord"


def test_the_file_is_the_same_after_reading_and_writing(folder):
    text = (folder / "manifest.json").read_text()
    assert manifest.to_json(manifest.open_dataset(folder)) == text
    assert str(folder) not in text


def test_classes_are_kept_with_their_names_and_counts(folder):
    kept = [{"name": "Käse, \udcff", "count": 96}, {"name": "none", "count": 0}]
    edit(folder, classes=kept)
    opened = manifest.open_dataset(folder)
    assert opened.classes == (manifest.Category("Käse, \udcff", 96), manifest.Category("none", 0))
    assert opened.class_counts == (96, 0)
    (folder / "manifest.json").write_text(manifest.to_json(opened))
    assert manifest.open_dataset(folder) == opened


def test_a_missing_shard_is_named(folder):
    (folder / "images-00001-of-00003.tfrecord").unlink()
    assert "images-00001-of-00003.tfrecord is missing" in refusal(folder)


@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_truncated_shard_is_named(folder, kept):
    path = folder / "images-00002-of-00003.tfrecord"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: int(size * kept)])
    text = refusal(folder)
    assert "images-00002-of-00003.tfrecord has" in text
    assert f"its manifest says {size:,}" in text


def test_a_shard_cut_between_two_records_is_named(folder):
    from dualcontrast.trainer.data import records

    path = folder / "images-00000-of-00003.tfrecord"
    last = list(records.read(path))[-1]
    path.write_bytes(path.read_bytes()[: last.offset])
    assert len(list(records.read(path))) == 31  # It reads as a sound file.
    assert "images-00000-of-00003.tfrecord has" in refusal(folder)


def test_a_shard_that_is_a_folder_is_refused(folder):
    path = folder / "images-00000-of-00003.tfrecord"
    path.unlink()
    path.mkdir()
    assert "images-00000-of-00003.tfrecord" in refusal(folder)


def test_a_strange_shard_is_named(folder):
    (folder / "images-00000-of-00016.tfrecord").touch()
    assert "images-00000-of-00016.tfrecord is not in the manifest" in refusal(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    text = refusal(tmp_path / "nowhere")
    assert "There is no dataset folder" in text and "dualcontrast-convert" in text


def test_a_file_is_no_dataset(tmp_path):
    (tmp_path / "file").touch()
    assert "There is no dataset folder" in refusal(tmp_path / "file")


def test_a_folder_without_manifest_is_no_dataset(tmp_path):
    text = refusal(tmp_path)
    assert "no finished dataset" in text and f"--dest={tmp_path}" in text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '"text"', "7"])
def test_a_manifest_that_is_no_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    assert "manifest.json" in refusal(folder)


def test_a_manifest_of_another_version_is_refused(folder):
    edit(folder, version=2)
    assert "version 2, expected 1" in refusal(folder)


def test_a_manifest_that_lacks_a_field_is_refused(folder):
    path = folder / "manifest.json"
    fields = json.loads(path.read_text())
    del fields["encoding"]
    path.write_text(json.dumps(fields))
    assert "encoding" in refusal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 95},
        {"resolution": 24},
        {"resolution": 4},
        {"resolution": "8"},
        {"channels": 2},
        {"encoding": "gif"},
        {"shards": []},
        {"count": 0, "shards": []},
        {"classes": [{"name": "a", "count": 50}, {"name": "b", "count": 45}]},
        {"classes": [{"name": "a", "count": 97}, {"name": "b", "count": -1}]},
        {"classes": [{"name": "a", "count": 50}, {"name": "a", "count": 46}]},
        {"classes": [{"name": "a", "count": "96"}]},
        {"classes": [{"name": "a"}]},
        {"classes": ["a"]},
        {"classes": 2},
    ],
    ids=str,
)
def test_a_manifest_that_contradicts_itself_is_refused(folder, changes):
    edit(folder, **changes)
    assert "manifest.json" in refusal(folder)


def test_a_manifest_cannot_point_out_of_its_folder(folder):
    fields = json.loads((folder / "manifest.json").read_text())
    fields["shards"][0]["name"] = "../../secret"
    edit(folder, shards=fields["shards"])
    assert "contradicts itself" in refusal(folder)


@pytest.mark.parametrize("value", [8, 16, 64, 1024])
def test_powers_of_two_from_8_are_resolutions(value):
    assert manifest.is_resolution(value)


@pytest.mark.parametrize("value", [-8, 0, 1, 4, 12, 24, 100])
def test_other_numbers_are_not(value):
    assert not manifest.is_resolution(value)
