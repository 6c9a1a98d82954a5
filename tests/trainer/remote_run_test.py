"""Runs and datasets where there are no local files: all of a run's life, on ram:// and file://.

ram:// is TensorFlow's file system inside of a process. It has no place on the disk, so that code
which asks the operating system for a path with that scheme finds nothing. To it every beginning of
a name is a folder: single checkpoints are named on file://.
"""

import json
import os
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.tools.evaluation import evaluated
from dualcontrast.tools.report_page import page, run_folder
from dualcontrast.trainer import locations, loop
from dualcontrast.trainer.checkpoints import checkpoint, discovery, origin
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import dataset_damage, image_stream, manifest
from dualcontrast.trainer.errors import UserError

SHORT = {
    "loss.warmup_images": 0,
    "training.total_images": 16,
    "training.log_every_images": 8,
    "training.checkpoint_every_images": 8,
    "training.keep_checkpoints": 2,
    "training.grid_every_images": 16,
}


def values(workdir) -> dict[str, np.ndarray]:
    """Every saved variable of the newest checkpoint."""
    reader = tf.compat.v1.train.NewCheckpointReader(str(discovery.newest_whole(workdir)))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith("_CHECKPOINTABLE")
    }


def assert_equal_bits(one: dict, two: dict) -> None:
    assert one.keys() == two.keys() and len(one) > 100
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)


@pytest.fixture(scope="module")
def remote_data(dataset) -> manifest.Manifest:
    """The dataset, copied to ram://."""
    folder = locations.of("ram://data/scenes")
    folder.mkdir(parents=True)
    for path in dataset.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return manifest.open_dataset("ram://data/scenes")


@pytest.fixture(scope="module")
def train(strategy_of):
    """Trains uncompiled: train(config, dataset, workdir, request)."""

    def train(config, data, workdir, request=None):
        tf.config.run_functions_eagerly(True)
        try:
            assert loop.train(config, data, workdir, strategy_of(1), request=request) == 0
        finally:
            tf.config.run_functions_eagerly(False)

    return train


@pytest.fixture(scope="module")
def config(tiny_config):
    return schema.replace(tiny_config, SHORT)


@pytest.fixture(scope="module")
def run(config, remote_data, train, tmp_path_factory):
    """A run on ram:// that was stopped once, from a folder in which nothing may appear."""
    workdir, here = locations.of("ram://runs/first"), os.getcwd()
    nowhere = tmp_path_factory.mktemp("nowhere")
    os.chdir(nowhere)
    try:
        half = schema.replace(config, {"training.total_images": 8})
        train(half, remote_data, workdir)
        train(config, remote_data, workdir)
    finally:
        os.chdir(here)
    assert os.listdir(nowhere) == []
    return workdir


@pytest.fixture(scope="module")
def local(config, dataset, train, tmp_path_factory):
    """The same run as it is on the disk."""
    workdir = tmp_path_factory.mktemp("local") / "run"
    train(config, dataset, workdir)
    return workdir


def test_a_run_has_the_bits_of_a_local_one_and_goes_on(run, local):
    assert_equal_bits(values(run), values(local))
    assert {path.name for path in run.iterdir()} == {path.name for path in local.iterdir()}
    assert discovery.numbers(run / "checkpoints") == [8, 16]
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_bytes().splitlines()]
    assert [row["images_seen"] for row in rows] == [8, 16]
    (events,) = {path.name.split(".")[0] for path in (run / "tensorboard").iterdir()}
    assert events == "events"
    for name in ("reals", "fakes-000000000016"):
        picture = (run / "grids" / f"{name}.png").read_bytes()
        assert picture == (local / "grids" / f"{name}.png").read_bytes()


def test_another_configuration_is_refused_there_too(run, config, remote_data, strategy_of):
    other = schema.replace(config, {"training.seed": 7})
    with pytest.raises(UserError, match="ram://runs/first holds a run of another configuration"):
        loop.train(other, remote_data, run, strategy_of(1))


def test_it_is_read_by_what_reads_runs(run, remote_data, tmp_path):
    generator, _, seen = checkpoint.load_average(str(run))
    assert seen == 16 and generator.count_params()
    assert checkpoint.load_discriminator(str(run)).count_params()
    (read,) = run_folder.read([str(run)], [str(remote_data.folder)])
    assert [saved.images_seen for saved in read.checkpoints] == [8, 16]
    assert all(saved.bytes for saved in read.checkpoints) and list(read.grids) == [0, 8, 16]
    page.write([str(run)], [str(remote_data.folder)], tmp_path / "report.html")
    assert "first" in (tmp_path / "report.html").read_text()


def test_a_damaged_checkpoint_and_a_damaged_shard_are_named(run, dataset, remote_data):
    data = run / "checkpoints" / "images-8.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    assert discovery.fault(run / "checkpoints" / "images-8")
    assert discovery.fault(run / "checkpoints" / "images-16") is None
    assert dataset_damage.find(remote_data) is None
    path = remote_data.path(remote_data.shards[1])
    sound = path.read_bytes()
    path.write_bytes(sound[:300] + b"\0\0\0" + sound[303:])
    error = image_stream.explain(tf.errors.DataLossError(None, None, ""), remote_data)
    assert str(error).startswith(f"Shard {path} is damaged: record ")
    path.write_bytes(sound[:-1])
    with pytest.raises(UserError, match="it was cut or changed"):
        manifest.open_dataset(remote_data.folder)
    path.write_bytes(sound)


def test_a_checkpoint_that_cannot_be_reached_is_no_damaged_one(
    run, config, remote_data, monkeypatch
):
    before = {path.name for path in (run / "checkpoints").iterdir()}

    def fail(name):
        raise tf.errors.UnavailableError(None, None, "All 10 retry attempts failed")

    monkeypatch.setattr(tf.compat.v1.train, "NewCheckpointReader", fail)
    told = "images-16 cannot be read: .*All 10 retry attempts failed.*\n"
    with pytest.raises(UserError, match=told):
        discovery.newest_whole(run)
    monkeypatch.setattr(tf.io.gfile, "exists", fail)
    with pytest.raises(UserError, match=told):
        discovery.fault(run / "checkpoints" / "images-16")
    assert {path.name for path in (run / "checkpoints").iterdir()} == before


def test_a_checkpoint_with_a_scheme_is_read_by_what_measures(local):
    prefix = f"file://{local}/checkpoints/images-8"
    assert checkpoint.load_discriminator(prefix).count_params()
    assert evaluated.of_run(prefix, count=4).images.name == prefix


def test_the_binaries_take_paths_with_a_scheme(local, dataset, tiny, tmp_path):
    data, run = f"file://{dataset.folder}", f"file://{tmp_path}/run"
    arguments = tiny.train_arguments(dataset, run, SHORT | {"training.total_images": 24})
    arguments = [word for word in arguments if not word.startswith("--data=")]
    done = tiny.run(
        "trainer.train", *arguments, f"--data={data}", f"--init_from=file://{local}", "--full"
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be locked here" in done.stderr and f"done: 24 images; {run}" in done.stdout
    began = origin.read(locations.of(run))["checkpoint"]
    assert began == f"file://{local}/checkpoints/images-16"
    output = f"--output={tmp_path}/images"
    done = tiny.run("tools.generate", f"--run={run}/checkpoints/images-24", output, "--seeds=0-1")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "images").glob("*.png"))) == 2
    done = tiny.run("tools.verify", data)
    assert done.returncode == 0 and f"{data} is sound: 96 images" in done.stdout, done.stderr


def test_a_bucket_that_cannot_be_reached_is_told_in_two_lines(tiny, tmp_path, monkeypatch):
    # TensorFlow's way to gs:// leads to a port at which nobody listens, and it tries once.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("GCS_RETRY_CONFIG_MAX_RETRIES", "0")
    run = f"--workdir={tmp_path}/run"
    # As TensorFlow reads these variables when it is imported, it may not have been.
    command = tiny.binary("trainer.train", "--config=demo", "--data=gs://bucket/data", run)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2, done.stderr
    assert "gs://bucket/data/manifest.json cannot be read: " in done.stderr
    assert os.listdir(tmp_path) == []
