"""`evaluate --watch` on a run whose files are not complete yet, or not any more."""

import json
import os
import pathlib
import shutil
import types

import pytest

from dualcontrast.tools.evaluation import watching
from dualcontrast.trainer.config import serialisation
from dualcontrast.trainer.errors import UserError


class Session:
    """Measures nothing."""

    def request(self, images):
        return "request"

    def evaluate(self, subject):
        return {"images_seen": subject.images_seen, "request": "request", "fid": 1.0}


def open_subject(prefix: str):
    number = int(prefix.rpartition("-")[2])
    if not pathlib.Path(f"{prefix}.index").exists():
        raise UserError(f"{prefix} is gone")
    return types.SimpleNamespace(images=None, images_seen=number)


@pytest.fixture(name="workdir")
def _workdir(saving, config, tmp_path):
    """A run of 256 images whose checkpoint of 16 is whole; its parts lie in `parts`."""
    workdir = tmp_path / "run"
    saving.train(workdir, 16)
    shutil.copytree(workdir / "checkpoints", tmp_path / "parts")
    (workdir / "config.json").write_text(serialisation.to_json(config))
    return workdir


def at_each_look(monkeypatch, *actions) -> None:
    """Does something in place of waiting, and ends the watch when there is nothing more to do."""
    left = list(actions)

    def wait(seconds):
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(watching.time, "sleep", wait)


def measured(output: pathlib.Path) -> list[int]:
    if not output.exists():
        return []
    return [json.loads(line)["images_seen"] for line in output.read_text().splitlines()]


def watch(workdir: pathlib.Path, output: pathlib.Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        watching.watch(Session(), workdir, open_subject, output, 0.1)


PARTS = {
    "half an index": ("images-16.index", lambda path: os.truncate(path, path.stat().st_size // 2)),
    "an empty index": ("images-16.index", lambda path: os.truncate(path, 0)),
    "an index of zeros": ("images-16.index", lambda path: path.write_bytes(bytes(500))),
    "half the data": ("images-16.data-00000-of-00001", lambda path: os.truncate(path, 1000)),
    "no data": ("images-16.data-00000-of-00001", lambda path: path.unlink()),
}


@pytest.mark.parametrize("what", PARTS)
def test_half_a_checkpoint_is_said_and_measured_when_it_is_whole(
    what, workdir, tmp_path, monkeypatch, capsys
):
    name, spoil = PARTS[what]
    path, output = workdir / "checkpoints" / name, tmp_path / "out.jsonl"
    spoil(path)
    looked = []

    def again():
        looked.append(measured(output))

    def mend():
        again()
        shutil.copy(tmp_path / "parts" / name, path)

    at_each_look(monkeypatch, again, mend, again)
    watch(workdir, output)
    assert looked == [[8], [8], [8, 16]]
    assert capsys.readouterr().out.count("images-16 is passed over until it is whole: ") == 1


def test_a_run_that_has_not_begun_is_waited_for(workdir, tmp_path, monkeypatch):
    output, hidden = tmp_path / "out.jsonl", tmp_path / "hidden"
    workdir.rename(hidden)
    actions = [workdir.mkdir]
    actions += [
        lambda name=name: (hidden / name).rename(workdir / name)
        for name in ("checkpoints", "config.json")
    ]
    at_each_look(monkeypatch, *actions, lambda: None)
    watch(workdir, output)
    assert measured(output) == [8, 16]


def test_a_checkpoint_that_goes_while_it_is_measured_is_passed_over(
    workdir, tmp_path, monkeypatch, capsys
):
    def evaluate(session, subject):
        if subject.images_seen == 8:
            for path in (workdir / "checkpoints").glob("images-8.*"):
                path.unlink()
            raise UserError("checkpoint images-8 is damaged")
        return {"images_seen": subject.images_seen, "request": "request", "fid": 1.0}

    monkeypatch.setattr(Session, "evaluate", evaluate)
    at_each_look(monkeypatch, lambda: None)
    watch(workdir, tmp_path / "out.jsonl")
    assert measured(tmp_path / "out.jsonl") == [16]
    assert "images-8 is gone" in capsys.readouterr().out
