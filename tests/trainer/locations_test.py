"""A path with a scheme does what a local one does, and what TensorFlow cannot open is refused."""

import os
import pathlib
import threading

import pytest
import tensorflow as tf

from dualcontrast.trainer import files, folder_lock, locations
from dualcontrast.trainer.errors import UserError


@pytest.fixture(params=["local", "file", "ram"])
def folder(request, tmp_path):
    """An empty folder that is there, local or with a scheme."""
    made = locations.of(
        {
            "local": str(tmp_path),
            "file": f"file://{tmp_path}",
            "ram": f"ram://test{tmp_path}",
        }[request.param]
    )
    made.mkdir(parents=True, exist_ok=True)
    return made


def refusal(call) -> type:
    with pytest.raises(OSError) as caught:
        call()
    assert caught.value.strerror and caught.value.filename
    return type(caught.value)


def test_folders_are_made_and_listed_and_deleted(folder):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b").mkdir(exist_ok=True)
    assert refusal((folder / "a").mkdir) is FileExistsError
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert (folder / "a").is_dir() and not (folder / "a").is_file()
    assert refusal(lambda: list((folder / "none").iterdir())) is FileNotFoundError
    assert refusal((folder / "a").rmdir) is OSError  # there is something in it
    (folder / "a" / "b").rmdir()
    files.remove_folder(folder / "a")
    files.remove_folder(folder / "a")
    assert not (folder / "a").exists() and list(folder.iterdir()) == []


def test_files_are_written_read_renamed_and_deleted(folder):
    path = folder / "a.txt"
    assert refusal(path.read_bytes) is FileNotFoundError
    assert refusal(path.stat) is FileNotFoundError
    assert refusal(path.unlink) is FileNotFoundError
    path.unlink(missing_ok=True)
    files.write(path, b"0123456789")
    (folder / "b.txt").write_bytes(b"other")
    assert path.is_file() and path.stat().st_size == 10
    assert path.stat().st_mtime == pytest.approx(path.stat().st_mtime_ns / 1e9)
    path.replace(folder / "b.txt")
    assert [found.name for found in folder.iterdir()] == ["b.txt"]
    assert (folder / "b.txt").read_bytes() == b"0123456789"


def test_a_file_is_read_from_any_place(folder):
    path = folder / "a"
    path.write_bytes(bytes(range(256)) * 10)
    with path.open("rb") as file:
        assert file.read(2) == b"\0\1" and file.tell() == 2
        file.seek(255)
        assert file.read(2) == b"\xff\0"
        file.seek(-1, os.SEEK_END)
        assert file.read(5) == b"\xff" and file.read(5) == b""
    assert refusal(lambda: (folder / "none").open("rb")) is FileNotFoundError
    assert refusal(lambda: folder.open("rb")) is IsADirectoryError


def test_patterns_are_those_of_names(folder):
    (folder / "grids").mkdir()
    for name in ("fakes-1.png", "fakes-2.png", "fakes-1.png.123.tmp", "reals.png"):
        (folder / "grids" / name).write_bytes(b"")
    found = {path.name for path in folder.glob("grids/fakes-*.png")}
    assert found == {"fakes-1.png", "fakes-2.png"}
    assert [p.name for p in folder.glob("grids/*.png.[0-9]*.tmp")] == ["fakes-1.png.123.tmp"]
    assert list(folder.glob("none/*")) == []


def test_names_are_taken_apart_and_put_together(folder):
    path = folder / "checkpoints" / "images-8.index"
    assert (path.name, path.stem, path.suffix) == ("images-8.index", "images-8", ".index")
    assert path.with_suffix("") == folder / "checkpoints" / "images-8" != path
    assert path.parent.parent == folder == folder.resolve() == folder.absolute()
    assert path.with_name("x") in {folder / "checkpoints/x"}
    assert sorted([folder / "b", folder / "a"])[0].name == "a"
    assert str(path) == os.fspath(path) == f"{folder}/checkpoints/images-8.index"
    assert locations.of(str(path)) == locations.of(path) == path
    assert path.parts[-2:] == ("checkpoints", "images-8.index")


def test_lines_are_added_whole_and_an_unfinished_one_goes(folder):
    path = folder / "metrics.jsonl"
    files.append(path, {"images_seen": 1})
    path.write_bytes(path.read_bytes() + b'{"images_')
    files.append(path, {"images_seen": 2})
    path.write_bytes(path.read_bytes()[:-1])  # somebody's editor
    files.append(path, {"images_seen": 3})
    assert [row["images_seen"] for row in files.read_rows(path)] == [1, 2, 3]
    assert [found.name for found in folder.iterdir()] == ["metrics.jsonl"]


def test_what_cannot_be_locked_is_said(folder, caplog):
    with folder_lock.hold(folder / "x.lock", "it is", "Wait.") as is_held:
        assert is_held != locations.is_remote(folder)
    assert ("cannot be locked here" in caplog.text) == locations.is_remote(folder)
    assert list(folder.iterdir()) == []


def test_a_path_without_a_scheme_stays_what_it_was():
    for text in ("data", "/data", "C:/data", "tfds:cifar10", "a:/b", "://x"):
        assert type(locations.of(text)) is type(pathlib.Path(text))
        assert locations.of(text) == pathlib.Path(text)


@pytest.mark.parametrize(
    "path, words",
    [
        ("s3://bucket/x", ["s3://bucket/x", "no s3://", "file://, gs://", "ram://"]),
        ("file://tmp/run", ["file://tmp/run", "file:///home/me/runs"]),
        ("file://", ["three slashes"]),
        ("ram://x/run[1]", ["ram://x/run[1]", "'['", "pattern"]),
    ],
)
def test_what_tensorflow_cannot_open_is_refused(path, words):
    with pytest.raises(UserError) as caught:
        locations.of(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 2 and [word for word in words if word not in text] == []


def test_a_file_system_that_does_not_answer_is_told_in_time(monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(tf.io.gfile, "exists", lambda url: answer.wait())
    monkeypatch.setattr(locations, "ANSWER_SECONDS", 0.1)
    with pytest.raises(UserError, match="ram://silent does not answer within 0.1 seconds"):
        locations.of("ram://silent/run")
    answer.set()


def test_what_a_file_system_refuses_is_told_in_two_lines(monkeypatch):
    place = locations.of("ram://refusing/run")

    def refuse(path, mode):
        raise tf.errors.PermissionDeniedError(None, None, "403 Forbidden\nand a page of HTML")

    monkeypatch.setattr(tf.io.gfile, "GFile", refuse)
    with pytest.raises(UserError, match="^ram://refusing/run cannot be read: 403 Forbidden.\n.*$"):
        files.read_bytes(place)
    with pytest.raises(UserError, match="^ram://refusing/run cannot be written: 403 Forbidden"):
        files.write(place, b"x")
