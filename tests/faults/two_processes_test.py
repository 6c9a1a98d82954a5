"""Two processes never write to one folder; a dead one keeps nobody out; no lock is no wall."""

import errno
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from dualcontrast.custom_ops import build, file_lock
from dualcontrast.tools.conversion import conversion
from dualcontrast.trainer import folder_lock
from dualcontrast.trainer.checkpoints import run_folder
from dualcontrast.trainer.errors import UserError

HOLD = """
import pathlib, sys
from dualcontrast.trainer import folder_lock
with folder_lock.hold(pathlib.Path(sys.argv[1]), "it is taken", "Wait."):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(name="holder")
def _holder():
    """Starts a process that holds a lock."""
    started = []

    def start(path: pathlib.Path) -> subprocess.Popen:
        path.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), "--config=demo"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def contents(folder: pathlib.Path) -> dict:
    """Every file, with its content and when it was written."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def training(saving, folder: pathlib.Path) -> None:
    saving.train(folder, 24)


def converting(_, folder: pathlib.Path) -> None:
    conversion.check_place(folder)


def drawing(_, folder: pathlib.Path) -> None:
    with folder_lock.output(folder):
        (folder / "attention.json").write_text("mixed")


def finishing(_, folder: pathlib.Path) -> None:
    """A conversion that begins after the other one has finished, and before that one has tidied."""
    conversion.run(None, [], {}, "source", folder, None, lambda count: None)


PLACES = {
    training: "training.lock",
    drawing: "writing.lock",
    converting: "unfinished/lock",
    finishing: "unfinished/lock",
}


@pytest.mark.parametrize("second", PLACES, ids=lambda second: second.__name__)
def test_a_second_start_names_the_holder_and_touches_nothing(second, saving, holder, tmp_path):
    folder = tmp_path / "folder"
    if second is training:
        saving.train(folder, 16)
        (folder / "metrics.jsonl.77.tmp").write_text("of the living process")
        (folder / "checkpoints" / "images-24.saving").mkdir()
    process = holder(folder / PLACES[second])
    before = contents(folder)
    with pytest.raises(UserError) as refused:
        second(saving, folder)
    text = str(refused.value)
    assert f"by process {process.pid} on " in text and "--config=demo" in text
    assert len(text.splitlines()) == 2
    assert contents(folder) == before


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_a_holder_that_ended_keeps_nobody_out(end, saving, holder, tmp_path):
    saving.train(tmp_path, 8)
    process = holder(tmp_path / "training.lock")
    if end is None:
        process.communicate()  # it comes to its end
        assert not (tmp_path / "training.lock").exists()
    else:
        process.send_signal(end)
        process.wait()
        assert (tmp_path / "training.lock").exists()
    assert saving.train(tmp_path, 16).check() == 16
    assert not (tmp_path / "training.lock").exists()


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', "\0" * 100, "[]", "null"])
def test_a_holder_that_has_not_signed_is_another_process(content, tmp_path):
    path = tmp_path / "training.lock"
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="trained by another process"):
            with run_folder.hold(tmp_path):
                pass
    assert path.read_text() == content
    with run_folder.hold(tmp_path):  # and now it is free
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    """The former holder removes the file between our opening and our locking it."""
    path, acquire, opened = tmp_path / "lock", file_lock.acquire, []

    def too_late(file, wait):
        if not opened:
            path.unlink()
        opened.append(os.fstat(file.fileno()).st_ino)
        return acquire(file, wait)

    monkeypatch.setattr(file_lock, "acquire", too_late)
    with folder_lock.hold(path, "it is taken", "Wait."):
        assert len(opened) == 2 and path.stat().st_ino == opened[1]
        with pytest.raises(UserError, match="it is taken by process"):
            with folder_lock.hold(path, "it is taken", "Wait."):
                pass
    assert not path.exists()


UNSUPPORTED = [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK]


@pytest.fixture(name="without_locks", params=UNSUPPORTED, ids=errno.errorcode.get)
def _without_locks(request, monkeypatch):
    """A file system that has none."""

    def refuse(descriptor, operation):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_without_locks_everything_goes_on_with_a_warning(
    without_locks, saving, tmp_path, monkeypatch, caplog
):
    saving.train(tmp_path / "run", 8)
    assert "training.lock cannot be locked here" in caplog.text
    # Nobody knows whether somebody is at work: nothing of another one's is swept.
    other = tmp_path / "run" / "metrics.jsonl.77.tmp"
    other.write_text("x")
    saving.train(tmp_path / "run", 16)
    assert other.exists()
    caplog.clear()
    (tmp_path / "data" / "unfinished").mkdir(parents=True)
    (tmp_path / "data" / "unfinished" / "lock").touch()
    conversion.check_place(tmp_path / "data")
    assert "cannot be locked here" in caplog.text
    caplog.clear()
    with build._locked(tmp_path / "lock") as alone:
        assert not alone
    assert "cannot be locked" in caplog.text


@pytest.mark.parametrize("reason", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_lock_that_fails_for_another_reason_is_an_error(reason, tmp_path, monkeypatch):
    def fail(descriptor, operation):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(UserError, match="cannot be written to"), run_folder.hold(tmp_path):
        pass
