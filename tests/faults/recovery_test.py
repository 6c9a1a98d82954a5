"""A run goes on from the newest checkpoint there is, whatever else is wrong in its folder."""

import os
import pathlib
import shutil
import time

import pytest
import tensorflow as tf

from dualcontrast.trainer.checkpoints import (
    best_checkpoint,
    checkpoint,
    discovery,
    run_folder,
)
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

# What TensorFlow's list of checkpoints can be like; it should name images-16.
LISTS = {
    "missing": None,
    "empty": b"",
    "binary": bytes(range(256)),
    "cut": b'model_checkpoint_path: "imag',
    "a page of a proxy": b"<html><body>502 Bad Gateway</body></html>\n",
    "of an older checkpoint": b'model_checkpoint_path: "images-8"\n',
    "of one that is gone": b'model_checkpoint_path: "images-4000"\n',
    "of another machine": b'model_checkpoint_path: "/scratch/run/checkpoints/images-8"\n',
    "not UTF-8": b'model_checkpoint_path: "images-\xff"\n',
    "a folder": "folder",
}


@pytest.fixture(name="run", scope="module")
def _run(saving, tmp_path_factory) -> pathlib.Path:
    """A run with the checkpoints of 8 and 16 images."""
    workdir = tmp_path_factory.mktemp("sound") / "run"
    saving.train(workdir, 16)
    return workdir


@pytest.fixture(name="workdir")
def _workdir(run, tmp_path) -> pathlib.Path:
    """A copy of it."""
    return shutil.copytree(run, tmp_path / "run")


def names(folder: pathlib.Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def spoil(path: pathlib.Path, content: bytes | str | None) -> None:
    path.unlink()
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize("what", LISTS)
def test_a_list_that_is_wrong_changes_nothing_and_is_said_in_a_line(
    what, saving, workdir, capsys, caplog
):
    spoil(workdir / "checkpoints" / "checkpoint", LISTS[what])
    assert discovery.newest_whole(workdir).name == "images-16"
    (said,) = caplog.messages
    assert "taking images-16" in said and len(said.splitlines()) == 1
    saved = []
    assert saving.train(workdir, 24, saved.append).check() == 24
    assert saved == [24]  # and did not begin at 0
    assert capsys.readouterr().out == said + "\n"
    caplog.clear()
    assert discovery.newest_whole(workdir).name == "images-24"
    if what != "a folder":
        assert not caplog.messages  # the list is right again


def test_a_list_that_is_right_is_not_spoken_of(saving, workdir, capsys, caplog):
    (workdir / checkpoint.CONFIG_NAME).touch()
    assert checkpoint.locate(workdir) == (workdir, workdir / "checkpoints" / "images-16")
    saving.train(workdir, 24)
    assert not caplog.messages and capsys.readouterr().out == ""


def test_checkpoints_that_were_copied_without_their_list_are_found(saving, run, workdir, capsys):
    """From a backup: whole ones beside a part of one, and of different ages."""
    shutil.rmtree(workdir / "checkpoints")
    (workdir / "checkpoints").mkdir()
    for name in ("images-8.index", "images-8.data-00000-of-00001", "images-16.index"):
        shutil.copy(run / "checkpoints" / name, workdir / "checkpoints")
    assert discovery.newest_whole(workdir).name == "images-8"
    saved = []
    saving.train(workdir, 24, saved.append)
    assert saved == [16, 24]
    assert "images-16 is damaged: 1 of its 1 data files are missing" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["gone", "empty", "cut"])
def test_the_best_checkpoint_is_the_last_resort(what, saving, workdir, capsys):
    best = workdir / "best"
    best.mkdir()
    for path in (workdir / "checkpoints").glob("images-8.*"):
        shutil.copy(path, best)
    for path in list((workdir / "checkpoints").glob("images-*")):
        path.unlink() if what == "gone" else os.truncate(path, 0 if what == "empty" else 30)
    assert discovery.newest_whole(workdir) == best / "images-8"
    saved = []
    assert saving.train(workdir, 24, saved.append).check() == 24
    assert saved == [16, 24]
    assert f"no whole checkpoint: taking {best / 'images-8'}" in capsys.readouterr().out


def _wider(state) -> None:
    state.weights = tf.Variable(tf.zeros([64, 34]))


def _without_average(state) -> None:
    del state.average


def _with_another(state) -> None:
    state.momentum = tf.Variable(0.0)


@pytest.mark.parametrize("change", [_wider, _without_average, _with_another])
def test_a_checkpoint_of_another_network_is_not_called_damaged(change, saving, workdir):
    before = {path: path.read_bytes() for path in (workdir / "checkpoints").iterdir()}
    state = saving.State()
    change(state)
    with pytest.raises(UserError, match="images-16 is whole, but of another network"):
        checkpoint.Checkpoints(workdir, state, 2).restore()
    assert {path: path.read_bytes() for path in (workdir / "checkpoints").iterdir()} == before


def test_a_folder_that_cannot_be_looked_into_is_no_new_run(saving, tmp_path):
    workdir = tmp_path / "run"
    workdir.mkdir()
    (workdir / "checkpoints").symlink_to(tmp_path / "a disk that is not there")
    with pytest.raises(UserError, match="checkpoints cannot be read"):
        saving.train(workdir, 8)
    (workdir / "checkpoints").unlink()
    (workdir / "checkpoints").write_text("a file")
    with pytest.raises(UserError, match="checkpoints cannot be read"):
        saving.train(workdir, 8)
    assert names(workdir) == {"checkpoints"}


# Relative to the work folder: what a killed process leaves, now and of earlier versions.
LEFTOVERS = [
    "checkpoints/images-24.saving/images-24.data-00000-of-00001",
    "checkpoints/images-24.saving/images-24_temp/part-00000-of-00001.index",
    "checkpoints/images-24_temp/part-00000-of-00001.data-00000-of-00001",
    "checkpoints/images-24_temp_5f2b/part-00000-of-00001.index",
    "checkpoints/images-24.index.tempstate12345678901",
    "checkpoints/images-24.data-00000-of-00001.tempstate9",
    "checkpoints/checkpoint.77.tmp",
    "checkpoints/checkpoint.tmp5e1f",
    "best/images-32.saving/images-32.index",
    "best/best.json.4711.tmp",
    "metrics.jsonl.77.tmp",
    "data.json.1.tmp",
    "grids/fakes-000000000008.png.77.tmp",
    "tensorboard/events.out.tfevents.1.host.2.3.v2.tmp",
    "references/0f.npz.4711.tmp",
]
THEIRS = [
    "notes.tmp",
    "checkpoints/README",
    "checkpoints/images-16.index.bak",
    "checkpoints/mine.saving/thesis.tex",
    "grids/mine.tmp",
    "references/0f.npz",
]


def test_what_killed_processes_left_is_swept_and_nothing_else(saving, workdir):
    before = names(workdir / "checkpoints")
    for name in LEFTOVERS + THEIRS:
        (workdir / name).parent.mkdir(parents=True, exist_ok=True)
        (workdir / name).write_text("x")
    yesterday = time.time() - 25 * 3600
    os.utime(workdir / "references/0f.npz.4711.tmp", (yesterday, yesterday))
    alive = workdir / "references" / "1a.npy.4712.tmp"  # an evaluation writes it now
    alive.write_text("x")
    saving.train(workdir, 16)
    assert [name for name in LEFTOVERS if (workdir / name).exists()] == []
    assert [name for name in THEIRS if not (workdir / name).exists()] == []
    assert alive.exists()
    assert names(workdir / "checkpoints") == before | {
        "README",
        "images-16.index.bak",
        "mine.saving",
    }


def test_whole_checkpoints_beside_the_list_are_adopted_and_others_go(saving, workdir):
    """A process was killed after its save, before it listed it and deleted the oldest one."""
    folder = workdir / "checkpoints"
    listed = (folder / "checkpoint").read_bytes()
    saving.train(workdir, 24)
    (folder / "checkpoint").write_bytes(listed)
    for number in (2, 4):  # data without an index
        shutil.copy(
            folder / "images-24.data-00000-of-00001",
            folder / f"images-{number}.data-00000-of-00001",
        )
    saved = []
    saving.train(workdir, 32, saved.append)
    assert saved == [32]
    expected = [path for n in (24, 32) for path in folder.glob(f"images-{n}.*")]
    assert len(expected) == 4
    assert names(folder) == {"checkpoint", *(path.name for path in expected)}


def test_a_former_best_checkpoint_of_a_killed_process_goes(saving, workdir):
    best = workdir / "best"
    best.mkdir()
    for path in (workdir / "checkpoints").glob("images-*"):
        shutil.copy(path, best)
    (best / "best.json").write_text('{"fid": 3.5, "images_seen": 16, "checkpoint": "images-16"}')
    saving.train(workdir, 16)
    assert names(best) == {"best.json", "images-16.index", "images-16.data-00000-of-00001"}


@pytest.mark.parametrize("part, size", [("index", 10), ("index", 0), ("data-00000-of-00001", 99)])
def test_a_damaged_best_checkpoint_gives_way(part, size, saving, tmp_path, capsys):
    state = saving.State()
    state.train(8)
    assert best_checkpoint.Best(tmp_path, state).offer(3.5, 8, "request") is None
    assert best_checkpoint.Best(tmp_path, state).offer(9.0, 16, "request") == 3.5
    os.truncate(tmp_path / "best" / f"images-8.{part}", size)
    state.train(16)
    assert best_checkpoint.Best(tmp_path, state).offer(9.0, 16, "request") is None
    assert "the best checkpoint, images-8, is damaged" in capsys.readouterr().out
    assert discovery.fault(tmp_path / "best" / "images-16") is None
    expected = {"best.json", "images-16.index", "images-16.data-00000-of-00001"}
    assert names(tmp_path / "best") == expected


CHANGES: list[dict] = [
    {"training.seed": 3},
    {"training.batch_size": 4, "generator.latent_size": 16},
    {"loss": "hinge"},
]


def _other(config: schema.Config, change: dict) -> schema.Config:
    return schema.replace(config, change)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_start_without_a_checkpoint_binds_nobody_and_one_with_does(
    change, config, dataset, tmp_path
):
    checkpoint.claim(tmp_path, config, dataset)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "images-0.index").write_text("x")  # measured before its first image
    (tmp_path / "metrics-evaluation.jsonl").write_text("{}\n")
    other = _other(config, change)
    checkpoint.claim(tmp_path, other, dataset)
    assert checkpoint.read_config(tmp_path) == other
    assert names(tmp_path / "best") == set()
    assert not (tmp_path / "metrics-evaluation.jsonl").exists()
    assert (tmp_path / "metrics-evaluation.jsonl.old").read_text() == "{}\n"
    (tmp_path / "checkpoints" / "images-8.index").write_text("x")
    with pytest.raises(UserError, match="another configuration"):
        checkpoint.claim(tmp_path, config, dataset)
    assert checkpoint.read_config(tmp_path) == other


def test_a_start_without_a_checkpoint_does_not_bind_to_its_images(config, dataset, tmp_path):
    fewer = manifest.Manifest(**{**vars(dataset), "shards": dataset.shards[:2]})
    checkpoint.claim(tmp_path, config, fewer)
    checkpoint.claim(tmp_path, config, dataset)
    assert len(checkpoint.read_data(tmp_path)["sha256"]) == len(dataset.shards)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "images-8.index").write_text("x")
    with pytest.raises(UserError, match="other images"):
        checkpoint.claim(tmp_path, config, fewer)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"trainer": {}}', b"[1]"])
def test_a_damaged_config_of_a_failed_start_is_replaced(content, config, dataset, tmp_path):
    (tmp_path / "config.json").write_bytes(content)
    (tmp_path / "data.json").write_bytes(content)
    checkpoint.claim(tmp_path, config, dataset)
    assert checkpoint.read_config(tmp_path) == config


def test_a_start_that_fails_before_it_writes_leaves_no_folder(tmp_path):
    with pytest.raises(UserError, match="no images"), run_folder.hold(tmp_path / "run"):
        raise UserError("no images")
    assert not (tmp_path / "run").exists()
