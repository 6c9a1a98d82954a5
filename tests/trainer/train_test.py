"""The training binary, and what it says to mistakes: exit code 2, two lines, nothing touched."""

import shutil

import pytest
import tensorflow as tf

from dualcontrast.trainer import state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError


@pytest.fixture(scope="module")
def short_run(dataset, tmp_path_factory, tiny):
    """A run of one batch."""
    workdir = tmp_path_factory.mktemp("short") / "run"
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
    fields = {**vars(dataset), "shards": dataset.shards[:2]}
    with pytest.raises(UserError, match="other images"):
        checkpoint.claim(tmp_path, tiny_config, manifest.Manifest(**fields))


def test_the_length_and_the_intervals_may_change_on_resumption(tiny_config, dataset, tmp_path):
    checkpoint.claim(tmp_path, tiny_config, dataset)
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
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, copy, longer))
    assert done.returncode == 0, done.stderr
    assert "images-72 is damaged" in done.stdout and "resuming at 64 images" in done.stdout


@pytest.mark.parametrize("path", ["no/such/run", "."])
def test_a_path_that_is_no_run_is_named(path):
    with pytest.raises(UserError, match="no run|no checkpoint"):
        checkpoint.load_average(path)


def test_what_a_killed_run_left_is_swept_and_nothing_else(tiny_config, tmp_path):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        run = state.State(tiny_config)
    ours = [tmp_path / "config.json.77.tmp", tmp_path / "grids" / "reals.png.77.tmp"]
    theirs = [tmp_path / "thesis.tmp", tmp_path / "notes" / "config.json.77.tmp"]
    for path in ours + theirs:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    checkpoint.Checkpoints(tmp_path, run, keep=1)
    assert [path.exists() for path in ours + theirs] == [False, False, True, True]
