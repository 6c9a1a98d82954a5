"""Evaluation inside of training."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import state as states
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import (
    fake_labels,
    generated,
    image_set,
    measure,
    periodic,
    report,
)
from dualcontrast.trainer.features import embedded

# Without regularisers and a second loss there is less to compile.
EVALUATED = {
    "loss": "non_saturating",
    "generator.path_length_weight": 0.0,
    "penalties.r1_gamma": 0.0,
    "training.total_images": 96,
    "evaluation.every_images": 40,
    "evaluation.images": 20,
}


@pytest.fixture(name="finished", scope="module")
def _finished(dataset, tmp_path_factory, tiny):
    """A run of 96 images that was measured on the way, and what it printed."""
    workdir = tmp_path_factory.mktemp("run")
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, workdir, EVALUATED))
    assert done.returncode == 0, done.stderr
    return workdir, done.stdout


def test_there_is_a_row_at_the_start_at_intervals_and_at_the_end(finished):
    rows = report.rows(finished[0] / "metrics-evaluation.jsonl")
    assert [row["images_seen"] for row in rows] == [0, 40, 80, 96]
    for row in rows:
        assert row["fid"] == row["estimates"]["fid"]["value"] > 0
        assert row["estimates"]["fid"]["note"] == "not comparable with published FID"
        assert row["protocol"]["reals"]["count"] == 20
        assert row["protocol"]["extractors"]["main"]["sha256"] == embedded.load().digest
    assert len({row["request"] for row in rows}) == 1
    assert len({row["protocol"]["fakes"]["weights"] for row in rows}) == 4
    lines = [line for line in finished[1].splitlines() if line.startswith("fid ")]
    assert len(lines) == 4 and all("not comparable" in line for line in lines)


def test_the_best_checkpoint_is_kept_and_loads(finished):
    rows = report.rows(finished[0] / "metrics-evaluation.jsonl")
    record = json.loads((finished[0] / "best" / "best.json").read_text())
    least = min(rows, key=lambda row: row["fid"])
    assert (record["fid"], record["images_seen"]) == (least["fid"], least["images_seen"])
    name = f"images-{least['images_seen']}"
    kept = sorted(path.name for path in (finished[0] / "best").iterdir())
    assert kept == ["best.json", f"{name}.data-00000-of-00001", f"{name}.index"]
    generator, _, images_seen = checkpoint.load_average(str(finished[0] / "best" / name))
    assert images_seen == least["images_seen"]
    assert generated.weights_digest(generator) == least["protocol"]["fakes"]["weights"]


def test_the_value_is_that_of_the_released_generator(finished, dataset):
    generator, _, images_seen = checkpoint.load_average(str(finished[0]))
    plan = measure.Plan(("fid",), {"main": embedded.load()}, error_bars=False)
    reals = measure.Reals(image_set.of_dataset(dataset, 20, 20), None)
    fakes = generated.of_generator(generator, "run", images_seen).images(20)
    found = measure.measure(plan, reals.references(plan), fakes)["fid"].estimate.value
    last = report.rows(finished[0] / "metrics-evaluation.jsonl")[-1]
    assert last["fid"] == pytest.approx(found, rel=1e-6)


@pytest.mark.slow
def test_a_run_trains_the_same_weights_without_evaluation(finished, dataset, tmp_path, tiny):
    changes = {**EVALUATED, "evaluation.every_images": 0}
    done = tiny.run("trainer.train", *tiny.train_arguments(dataset, tmp_path, changes))
    assert done.returncode == 0, done.stderr
    runs = [
        tf.train.load_checkpoint(str(folder / "checkpoints" / "images-96"))
        for folder in (tmp_path, finished[0])
    ]
    names = runs[0].get_variable_to_shape_map()
    assert len(names) > 50
    for name in names:
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH":
            assert np.array_equal(*(run.get_tensor(name) for run in runs)), name


def test_what_was_measured_is_not_measured_again(finished, dataset, tiny_config, capsys):
    before = (finished[0] / "metrics-evaluation.jsonl").read_bytes()
    # From the start again, as after a crash before the first checkpoint.
    config = schema.replace(tiny_config, EVALUATED)
    periodic_of(config, dataset, finished[0]).evaluate(lambda: False)
    assert (finished[0] / "metrics-evaluation.jsonl").read_bytes() == before
    assert capsys.readouterr().out == ""


def test_an_evaluation_changes_nothing_of_the_run(dataset, tiny_config, tmp_path):
    config = schema.replace(tiny_config, EVALUATED)
    state = states.State(config)
    variables = [*state.named_variables().values(), state.images_seen]
    before = [variable.numpy() for variable in variables]
    periodic_of(config, dataset, tmp_path, state).evaluate(lambda: False)
    assert (tmp_path / "best" / "images-0.index").exists()
    for old, variable in zip(before, variables):
        assert np.array_equal(old, variable.numpy())


def periodic_of(config, dataset, workdir, state=None) -> periodic.Periodic:
    class Log:
        def write_scalars(self, scalars, images_seen):
            pass

    return periodic.Periodic(config, dataset, workdir, state or states.State(config), Log())


def test_the_classes_of_a_labelled_run_are_drawn_by_the_reals(labelled, tiny_config, tmp_path):
    labels = {"data.labels": True, "data.classes": 4}
    config = schema.replace(tiny_config, EVALUATED | labels)
    state = states.State(config)
    periodic_of(config, labelled, tmp_path, state).evaluate(lambda: False)
    (row,) = report.rows(tmp_path / "metrics-evaluation.jsonl")
    # Of the first 20 images in stored order.
    assert row["protocol"]["fakes"]["labels"] == {"drawn": "data", "counts": [14, 0, 6, 0]}
    # As the command would take them.
    reals = image_set.of_dataset(labelled, 20, 20)
    source = generated.of_generator(state.average, "run", 0, classes=reals.classes)
    images = source.images(20, fake_labels.of_reals(reals))
    assert images.protocol == row["protocol"]["fakes"] and row["fid"] > 0


def test_a_signal_ends_an_evaluation(dataset, tiny_config, tmp_path):
    config = schema.replace(tiny_config, EVALUATED)
    periodic_of(config, dataset, tmp_path).evaluate(lambda: True)
    assert not (tmp_path / "metrics-evaluation.jsonl").exists()
    assert not (tmp_path / "best").exists()


def test_missing_weights_are_said_before_training(dataset, tiny_config, tmp_path):
    config = schema.replace(tiny_config, EVALUATED | {"evaluation.extractor": "inception"})
    with pytest.raises(UserError, match="--config.evaluation.weights is missing"):
        periodic_of(config, dataset, tmp_path)


def test_another_number_of_images_begins_a_new_best(
    finished, dataset, tiny_config, tmp_path, capsys
):
    for name in ("metrics-evaluation.jsonl", "best"):
        source = finished[0] / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    config = schema.replace(tiny_config, {**EVALUATED, "evaluation.images": 12})
    state = states.State(config)
    state.images_seen.assign(104)
    periodic_of(config, dataset, tmp_path, state).evaluate(lambda: False)
    said = capsys.readouterr().out
    assert "measured with other images or features" in said and "the best so far" in said
    record = json.loads((tmp_path / "best" / "best.json").read_text())
    rows = report.rows(tmp_path / "metrics-evaluation.jsonl")
    assert record["images_seen"] == rows[-1]["images_seen"] == 104
    assert record["request"] == rows[-1]["request"] != rows[-2]["request"]
