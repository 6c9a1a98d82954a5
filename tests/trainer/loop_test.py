"""What a run leaves behind, and what stops it."""

import json
import math
import os
import signal

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.trainer import cluster, hosts, loop, progress
from dualcontrast.trainer import state as states
from dualcontrast.trainer import steps, stopping
from dualcontrast.trainer.checkpoints import checkpoint, environment
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import image_stream
from dualcontrast.trainer.errors import UserError


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory, tiny):
    """A run of 256 images, its folder and what it printed."""
    workdir = tmp_path_factory.mktemp("run")
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, workdir))
    assert done.returncode == 0, done.stderr
    return workdir, done.stdout


def test_metrics_are_strict_json_with_every_figure(finished):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    lines = (finished[0] / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert [row["images_seen"] for row in rows] == list(range(32, 257, 32))
    assert [row["phase"] for row in rows] == ["warmup"] * 2 + ["contrast"] * 6
    expected = {"loss/D", "loss/G", "logits/real", "logits/fake", "path_length", "wait_share"}
    assert all(expected <= row.keys() for row in rows)
    assert ["r1" in row for row in rows] == [True, False, False, False] * 2


def test_progress_lines_fit_in_100_columns_and_name_everything(finished):
    lines = [line for line in finished[1].splitlines() if "/s eta" in line]
    assert len(lines) == 8
    assert all(len(line) <= 100 for line in lines)
    words = lines[0].split()
    assert words[0] == "32/256" and words[4] == "warmup"
    assert {"D", "G", "real", "fake", "r1", "pl"} <= set(words)


def test_grids_show_fakes_over_time_and_reals(finished):
    names = sorted(path.name for path in (finished[0] / "grids").iterdir())
    seen = [f"fakes-{images:012d}.png" for images in (0, 128, 256)]
    assert names == [*seen, "reals.png"]
    for name in names:
        with Image.open(finished[0] / "grids" / name) as picture:
            assert picture.size == (64, 64) and picture.mode == "RGB"
    first, last = (np.asarray(Image.open(finished[0] / "grids" / name)) for name in seen[::2])
    assert (first != last).mean() > 0.1


def test_tensorboard_summaries_hold_scalars_and_pictures(finished):
    tags = set()
    for path in (finished[0] / "tensorboard").iterdir():
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            tags |= {(value.tag, event.step) for value in event.summary.value}
    assert {("loss/D", 32), ("r1", 32), ("fakes", 256), ("reals", 0)} <= tags


def test_only_the_newest_checkpoints_are_kept(finished):
    found = sorted(path.stem for path in (finished[0] / "checkpoints").glob("*.index"))
    assert found == ["images-128", "images-192", "images-256"]


def test_the_average_loads_without_the_trainer(finished):
    generator, config, images_seen = checkpoint.load_average(str(finished[0]))
    assert images_seen == 256 and config.data.resolution == 8
    older, _, seen = checkpoint.load_average(str(finished[0] / "checkpoints" / "images-128"))
    assert seen == 128
    z = tf.ones([2, config.generator.latent_size])
    assert np.abs(generator(z) - older(z)).max() > 1e-4


def begin(config, dataset, workdir):
    """A run that is ready to go, from its newest checkpoint if there is one."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    checkpoint.claim(workdir, config, dataset)
    with strategy.scope():
        built = states.State(config)
    alone = hosts.Hosts(cluster.Cluster(), strategy)
    return loop._Run(config, dataset, workdir, alone, built)


def test_a_diverging_run_names_the_tensor_and_keeps_the_last_good_checkpoint(
    dataset, tiny_config, tmp_path
):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    good = schema.replace(tiny_config, {"training.total_images": 64})
    assert loop.train(good, dataset, tmp_path, strategy) == 0
    saved = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    run = begin(tiny_config, dataset, tmp_path)
    run.state.generator.synthesis.to_rgb[0].bias.assign([math.nan] * 3)
    with pytest.raises(UserError) as caught, stopping.Stopping() as signals:
        run.go(signals)
    text = str(caught.value)
    assert "is nan at 64 images" in text and "is not finite: generator/" in text
    assert len(text.splitlines()) == 2
    assert run.images_seen == 64 + tiny_config.training.log_every_images
    assert tf.train.latest_checkpoint(str(tmp_path / "checkpoints")) == saved


@pytest.mark.parametrize(
    "numbers",
    [
        (signal.SIGHUP,),
        (signal.SIGUSR1, signal.SIGTERM, signal.SIGTERM, signal.SIGINT),
    ],
)
def test_a_signal_saves_what_was_trained_and_is_the_exit_code(
    numbers, dataset, tiny_config, tmp_path, monkeypatch, capsys
):
    def iterate(trainer, batches, images_seen):
        trainer._state.images_seen.assign_add(tiny_config.training.batch_size)
        if images_seen == 16:
            for number in numbers:
                os.kill(os.getpid(), number)
        return {"loss/G": tf.zeros([]), "loss/D": tf.zeros([])}

    monkeypatch.setattr(steps.Steps, "iterate", iterate)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    assert loop.train(tiny_config, dataset, tmp_path, strategy) == 128 + numbers[0]
    assert (tmp_path / "checkpoints" / "images-24.index").exists()
    assert "stopped at 24 images; the same command resumes" in capsys.readouterr().out
    assert [row["images_seen"] for row in progress.rows(tmp_path)] == [24]


def test_a_run_that_goes_on_otherwise_warns_that_its_bits_may_differ(
    dataset, tiny_config, tmp_path, monkeypatch, capsys
):
    def iterate(trainer, batches, images_seen):
        trainer._state.images_seen.assign_add(tiny_config.training.batch_size)
        return {"loss/G": tf.zeros([])}

    monkeypatch.setattr(steps.Steps, "iterate", iterate)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    said = []
    for total, is_deterministic in ((8, True), (16, False)):
        changes = {"training.total_images": total, "loss.warmup_images": 0}
        until = schema.replace(tiny_config, changes)
        assert loop.train(until, dataset, tmp_path, strategy, is_deterministic) == 0
        out = capsys.readouterr().out.splitlines()
        said.append([line for line in out if line.startswith("warning: ")])
    warning = "warning: no longer the bits of an unstopped run: deterministic True -> False"
    assert said == [[], [warning]]
    starts = environment.starts(tmp_path)
    assert [start["images_seen"] for start in starts] == [0, 8]
    assert [start["deterministic"] for start in starts] == [True, False]


def test_an_evaluation_at_the_end_that_a_signal_gives_up_is_not_called_done(
    dataset, tiny_config, tmp_path, capsys
):
    class Evaluation:
        def evaluate(self, stopped):
            os.kill(os.getpid(), signal.SIGTERM)
            assert stopped()

    run = begin(tiny_config, dataset, tmp_path)
    run.state.images_seen.assign(tiny_config.training.total_images)
    run.restored, run.evaluation = "images-256", Evaluation()
    run.config = schema.replace(tiny_config, {"evaluation.every_images": 64})
    with stopping.Stopping() as signals:
        assert run.go(signals) == 128 + signal.SIGTERM
    said = capsys.readouterr().out
    assert "done" not in said and "the same command takes it" in said


def test_a_weight_that_is_not_finite_is_never_saved(dataset, tiny_config, tmp_path):
    run = begin(tiny_config, dataset, tmp_path)
    slot = run.state.discriminator_optimizer.variables[-1]
    slot.assign(slot + math.inf)
    with pytest.raises(UserError, match="not finite: discriminator_optimizer/"):
        run._check_variables()


def test_a_siamese_run_reads_other_reals_as_references_and_the_same_ones_when_it_goes_on(
    dataset, tiny_config, tmp_path, monkeypatch
):
    changes = {
        "discriminator.attention.pairing": "reference",
        "discriminator.attention.san.patch_size": 3,
        "generator.path_length_weight": 0.0,
        "penalties.r1_gamma": 0.0,
        "loss.warmup_images": 0,
        "data.mirror": True,
        "training.total_images": 48,
        "training.checkpoint_every_images": 24,
    }
    config = schema.replace(tiny_config, changes)
    seen = []

    def iterate(trainer, batches, images_seen):
        (shown,) = batches  # one step of the discriminator
        strategy = trainer._strategy
        given = [x for x in shown if x is not None]
        local = [np.array(strategy.experimental_local_results(x)[0]) for x in given]
        seen.append((images_seen, *local))
        trainer._state.images_seen.assign_add(config.training.batch_size)
        return {"loss/G": tf.zeros([])}

    monkeypatch.setattr(steps.Steps, "iterate", iterate)
    for stop in (24, 48):
        until = schema.replace(config, {"training.total_images": stop})
        with stopping.Stopping() as signals:
            begin(until, dataset, tmp_path).go(signals)
    assert [images_seen for images_seen, _, _ in seen] == list(range(0, 48, 8))
    streams = [
        image_stream.image_batches(dataset, batch_size=8, seed=seed, start_image=0, mirror=True)
        for seed in (config.training.seed, config.training.seed ^ loop._REFERENCE_SEED)
    ]
    for (_, reals, references), *expected in zip(seen, *streams):
        np.testing.assert_array_equal(reals, expected[0])
        np.testing.assert_array_equal(references, expected[1])
        assert np.any(reals != references)
