"""A run in a folder of any name: saved, found, restored, gone on with."""

import os
import shutil

import pytest
import tensorflow as tf

from dualcontrast.trainer import progress
from dualcontrast.trainer.checkpoints import checkpoint, discovery

NAMES = [
    "run[1]",
    "[!a-z]",
    "a*b",
    "what?",
    "two words ",
    "lauf-ü-実行-🙂",
    "back\\slash",
    "{a,b}",
    "line\nbreak",
    "100%d $HOME ~ 'quoted\"",
    os.fsdecode(b"latin-\xfc"),
    "x" * 255,
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_run_may_have_any_name(name, saving, tmp_path):
    workdir = tmp_path / name / "run"
    saving.train(workdir, 16)
    saved = []
    assert saving.train(workdir, 24, saved.append).check() == 24
    assert saved == [24]
    (workdir / checkpoint.CONFIG_NAME).touch()
    assert checkpoint.locate(workdir) == (workdir, workdir / "checkpoints" / "images-24")
    found = {path.name for path in (workdir / "checkpoints").iterdir()}
    files = {f"images-{n}.{end}" for n in (16, 24) for end in ("index", "data-00000-of-00001")}
    assert found == files | {"checkpoint"}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_its_logs_are_written_and_cut(name, tmp_path):
    workdir = tmp_path / name
    workdir.mkdir()
    log = progress.Log(workdir, None)
    for images_seen in (8, 16):
        log.write({"images_seen": images_seen, "loss/D": 1.5})
    progress.Log(workdir, 8)
    assert [row["images_seen"] for row in progress.rows(workdir)] == [8]
    steps = set()
    for number, path in enumerate((workdir / "tensorboard").iterdir()):
        shutil.copy(path, tmp_path / f"{number}")
        for record in tf.data.TFRecordDataset(str(tmp_path / f"{number}")).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            steps |= {event.step for value in event.summary.value}
    assert steps == {8}


def test_a_pattern_in_a_path_finds_nothing_of_its_neighbours(saving, tmp_path):
    """`run[1]` as a pattern is run1, and `*` is everything."""
    saving.train(tmp_path / "run1", 24)
    for name in ("run[1]", "run*", "run?"):
        assert discovery.newest_whole(tmp_path / name) is None
        saved = []
        saving.train(tmp_path / name, 8, saved.append)
        assert saved == [8]
        damaged = tmp_path / name / "checkpoints" / "images-8.index"
        os.truncate(damaged, 10)
        assert discovery.newest_whole(tmp_path / name) is None
