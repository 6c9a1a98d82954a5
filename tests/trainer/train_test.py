"""The training binary, and what it says to mistakes: exit code 2, two lines, nothing touched."""

import json
import os
import shutil

import pytest
import tensorflow as tf

from dualcontrast.tools.evaluation import evaluated
from dualcontrast.tools.report_page import run_folder
from dualcontrast.trainer import loop
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.checkpoints import run_folder as training_folder
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError


@pytest.fixture(scope="module")
def short_run(dataset, tmp_path_factory, tiny):
    """A run of 64 images, in a folder whose name is a pattern."""
    workdir = tmp_path_factory.mktemp("short") / os.fsdecode("a run [1] *?ü ".encode() + b"\xfc")
    done = tiny.run(
        "trainer.train", *tiny.train_arguments(dataset, workdir, {"training.total_images": 64})
    )
    assert done.returncode == 0, done.stderr
    return workdir


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "tensorboard" not in path.parts
    }


def assert_refused(done, *words):
    assert done.returncode == 2, done.stdout + done.stderr
    text = done.stderr.strip()
    assert len(text.splitlines()) <= 2 and "Traceback" not in text, text
    for word in words:
        assert word in text, text


def test_a_wrong_dataset_path_is_named(tmp_path, tiny):
    done = tiny.run(
        "trainer.train", "--config=demo", "--data=no/such/folder", f"--workdir={tmp_path / 'run'}"
    )
    assert_refused(done, "no/such/folder", "dualcontrast-convert")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("missing", ["--data", "--workdir"])
def test_a_missing_flag_is_named(missing, tiny):
    given = {"--data": "d", "--workdir": "w"}
    del given[missing]
    arguments = [f"{name}={value}" for name, value in given.items()]
    assert_refused(tiny.run("trainer.train", "--config=demo", *arguments), f"{missing} is missing")


def test_another_config_is_refused_and_the_run_is_untouched(short_run, dataset, tiny):
    before = contents(short_run)
    arguments = tiny.train_arguments(dataset, short_run, {"training.seed": 7})
    assert_refused(tiny.run("trainer.train", *arguments), "training.seed: 0 -> 7", "--workdir")
    assert contents(short_run) == before


def test_a_run_that_is_being_trained_is_not_started_again(short_run, dataset, tiny_config):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with training_folder.hold(short_run):
        before = contents(short_run)
        with pytest.raises(UserError, match=f"is being trained by process {os.getpid()} on "):
            loop.train(tiny_config, dataset, short_run, strategy)
        assert contents(short_run) == before


def test_a_damaged_record_is_named_with_its_shard(dataset, tmp_path, tiny):
    copy = tmp_path / "data"
    shutil.copytree(dataset.folder, copy)
    shard = copy / dataset.shards[1].name
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    damaged = manifest.open_dataset(copy)
    arguments = tiny.train_arguments(damaged, tmp_path / "run")
    assert_refused(tiny.run("trainer.train", *arguments), shard.name, "record")


def test_a_dry_run_prints_the_plan_and_writes_nothing(dataset, tmp_path, tiny):
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, tmp_path / "run"), "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "batch_size: 8" in done.stdout and "8x8_up" in done.stdout
    assert "memory" in done.stdout and "disk" in done.stdout
    assert not (tmp_path / "run").exists()


def test_a_run_on_other_images_is_refused(tiny_config, dataset, tmp_path):
    checkpoint.claim(tmp_path, tiny_config, dataset)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "images-8.index").touch()
    fields = {**vars(dataset), "shards": dataset.shards[:2]}
    with pytest.raises(UserError, match="other images"):
        checkpoint.claim(tmp_path, tiny_config, manifest.Manifest(**fields))


def test_the_length_and_the_intervals_may_change_on_resumption(tiny_config, dataset, tmp_path):
    checkpoint.claim(tmp_path, tiny_config, dataset)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "images-8.index").touch()
    longer = schema.replace(
        tiny_config, {"training.total_images": 999, "training.log_every_images": 8}
    )
    checkpoint.claim(tmp_path, longer, dataset)
    assert checkpoint.read_config(tmp_path) == longer


def damage(folder, what):
    """Damages the newest checkpoint's data file."""
    newest = folder / checkpoint.FOLDER / "images-64.data-00000-of-00001"
    content = bytearray(newest.read_bytes())
    if what == "flip":
        for place in range(0, len(content), 64):  # some of them in the averaged weights
            content[place] ^= 4
    newest.write_bytes(content if what == "flip" else content[: len(content) // 2])


@pytest.mark.parametrize("what", ["flip", "cut"])
def test_a_damaged_checkpoint_is_named_and_nothing_is_lost(short_run, tmp_path, what):
    copy = tmp_path / "run"
    shutil.copytree(short_run, copy)
    damage(copy, what)
    before = contents(copy)
    with pytest.raises(UserError, match="images-64 is damaged"):
        checkpoint.load_average(str(copy))
    assert contents(copy) == before


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(
    short_run, dataset, tmp_path, tiny
):
    copy = tmp_path / "run"
    shutil.copytree(short_run, copy)
    longer = {"training.total_images": 72, "training.checkpoint_every_images": 8}
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, copy, longer))
    assert done.returncode == 0, done.stderr
    newest = copy / checkpoint.FOLDER / "images-72.data-00000-of-00001"
    newest.write_bytes(newest.read_bytes()[:100])
    (copy / checkpoint.FOLDER / "checkpoint").unlink()
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, copy, longer))
    assert done.returncode == 0, done.stderr
    assert "images-72 is damaged" in done.stdout and "resuming at 64 images" in done.stdout
    assert "cannot be read (No such file or directory): taking images-64" in done.stdout
    seen = [json.loads(line)["images_seen"] for line in (copy / "metrics.jsonl").open()]
    assert seen == [32, 64, 72]


@pytest.mark.parametrize("content", [None, b"", b"\0\xff", b'model_checkpoint_path: "images-9"\n'])
def test_every_reader_finds_the_newest_checkpoint_without_its_list(short_run, tmp_path, content):
    copy = shutil.copytree(short_run, tmp_path / "run")
    listed = copy / checkpoint.FOLDER / "checkpoint"
    listed.unlink() if content is None else listed.write_bytes(content)
    expected = copy / checkpoint.FOLDER / "images-64"
    assert checkpoint.locate(copy) == (copy, expected)
    assert checkpoint.load_average(str(copy))[2] == 64
    assert checkpoint.load_discriminator(str(copy)).count_params()
    assert evaluated.of_run(str(copy), count=4).images.name == str(expected)
    assert [saved.images_seen for saved in run_folder.read([str(copy)], [])[0].checkpoints] == [64]


def test_a_checkpoint_that_goes_while_its_run_is_read_is_replaced_by_the_next(
    short_run, tmp_path, monkeypatch
):
    copy = shutil.copytree(short_run, tmp_path / "run")
    folder, locate = copy / checkpoint.FOLDER, checkpoint.locate

    def late(path):
        found = locate(path)
        for part in folder.glob("images-64.*"):  # the trainer goes on in between
            part.rename(folder / part.name.replace("64", "72"))
        return found

    monkeypatch.setattr(checkpoint, "locate", late)
    assert checkpoint.load_average(str(copy))[2] == 64  # the same content under its new name
    with pytest.raises(UserError, match="there is no run and no checkpoint"):
        checkpoint.load_average(str(folder / "images-64"))


@pytest.mark.parametrize("path", ["no/such/run", "."])
def test_a_path_that_is_no_run_is_named(path):
    with pytest.raises(UserError, match="no run|no checkpoint"):
        checkpoint.load_average(path)
