"""dualcontrast-evaluate of a run with classes, as a user runs it."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.evaluation import image_set
from dualcontrast.trainer.features import discriminator

NAMES = ("cat", "dog", "eel")
LABELS = np.array([0, 0, 0, 2] * 10 + [1] * 3 + [2] * 17)  # 30 cats, 3 dogs, 27 eels
SMALL = {
    "data.labels": True,
    "generator.latent_size": 8,
    "generator.w_size": 8,
    "generator.mapping_layers": 1,
    "generator.fmap_base": 32,
    "generator.fmap_max": 4,
    "discriminator.fmap_base": 32,
    "discriminator.fmap_max": 4,
    "training.batch_size": 4,
    "training.total_images": 8000,
    "loss.warmup_images": 0,
}


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory, write_labelled) -> manifest.Manifest:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), np.uint8)
    return write_labelled(tmp_path_factory.mktemp("data") / "data", images, LABELS, NAMES)


@pytest.fixture(name="run", scope="module")
def _run(data, tmp_path_factory) -> pathlib.Path:
    workdir = tmp_path_factory.mktemp("runs") / "run"
    config = schema.resolve(schema.replace(schema.Config(), SMALL), 8, 3, classes=3)
    trained = state.State(config)
    checkpoint.claim(workdir, config, data)
    checkpoint.Checkpoints(workdir, trained, keep=1).save()
    files.write(workdir / checkpoint.CONFIG_NAME, serialisation.to_json(config))
    return workdir


@pytest.fixture(name="measured", scope="module")
def _measured(run, data, bench, write_labelled, tmp_path_factory):
    """What each call said, and the rows of those that measured something."""
    folder = tmp_path_factory.mktemp("out")
    bench.folder(folder / "images", 24, side=8)
    others = np.zeros([25, 8, 8, 3], np.uint8)
    write_labelled(folder / "others", others, np.zeros(25, int), ("cat", "hen", "eel"))
    write_labelled(folder / "held", others[:12], np.arange(12) % 3, NAMES)
    images = keras.Input([8, 8, 3])
    features = keras.layers.GlobalAveragePooling2D()(images)
    outputs = {"features": features, "logits": keras.layers.Dense(5)(features)}
    keras.Model(images, outputs).save(folder / "net.keras")
    base = [f"--run={run}", "--cache=", "--fake_count=40", f"--output={folder / 'results.jsonl'}"]
    whole = [*base, f"--data={data.folder}"]
    scored = [*whole, f"--extractor={folder / 'net.keras'}", "--metrics=is"]
    results = bench.calls(
        "evaluate",
        [
            *(*whole, "--metrics=fid,intra_fid,fddf,overfitting", "--fakes_per_class=24"),
            f"--validation={folder / 'held'}",
        ],
        [*scored, "--fake_labels=uniform"],
        [
            *(*whole, "--metrics=separability", "--separability_count=60"),
            f"--classifier_data={data.folder}",
        ],
        [*base, f"--data={folder / 'others'}"],
        [*base, f"--data={folder / 'images'}", "--metrics=intra_fid"],
        [f"--images={folder / 'images'}", *whole[1:], "--metrics=intra_fid"],
        [f"--images={folder / 'images'}", *whole[1:], "--fake_labels=data"],
        [*whole, "--metrics=overfitting", f"--validation={folder / 'others'}"],
    )
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    return results, rows


def test_the_classes_are_as_frequent_as_among_the_reals_or_all_alike(measured):
    results, rows = measured
    assert [code for code, _, _ in results[:3]] == [0, 0, 0], results
    by_data, alike, _ = (row["protocol"]["fakes"]["labels"] for row in rows)
    assert by_data == {"drawn": "data", "counts": [30, 3, 27]}
    assert alike == {"drawn": "uniform", "counts": [1, 1, 1]}


def test_each_class_is_measured_by_itself(measured):
    results, rows = measured
    out, estimate = results[0][1], rows[0]["estimates"]["intra_fid"]
    assert [*estimate["classes"]] == ["cat", "eel"] and estimate["left_out"] == {"dog": 3}
    values = [own["value"] for own in estimate["classes"].values()]
    assert rows[0]["intra_fid"] == pytest.approx(np.mean(values), rel=1e-12)
    assert [own["reals"] for own in estimate["classes"].values()] == [30, 27]
    asked = rows[0]["protocol"]["intra_fid"]
    assert asked == {"fakes_of_a_class": 24, "least_reals": 20} and estimate["fakes"] == 48
    for line in ("intra_fid", "  cat", "  eel", "fddf"):
        assert f"\n{line} " in out
    assert "left out, with fewer than 20 real images: dog (3)" in out


def test_the_inception_score_is_of_images_of_all_classes(measured):
    row = measured[1][1]
    assert row["estimates"]["is"]["fakes"] == 40 and row["is"] >= 1


def test_the_discriminator_is_given_the_labels_of_all_images(measured, run, data):
    row, network = measured[1][0], checkpoint.load_discriminator(str(run))
    found = next(iter(image_set.of_dataset(data, None, 60).read()))
    pairs = zip(found.reshape(15, 4, 8, 8, 3), LABELS.reshape(15, 4))
    logits = [
        network(discriminator.to_float(tf.constant(images)), labels=tf.constant(labels)).numpy()
        for images, labels in pairs
    ]
    assert row["logit_train"] == pytest.approx(np.mean(logits), rel=1e-4)
    assert np.isfinite([row["logit_validation"], row["logit_generated"]]).all()


def test_a_classifier_learns_the_classes_that_are_frequent_enough(measured):
    row = measured[1][2]
    classifier = row["protocol"]["extractors"]["classifier"]
    assert classifier["classes"] == ["cat", "eel"] and classifier["left_out"] == ["dog"]
    assert row["separability_z"] >= 1 and row["separability_w"] >= 1


def test_what_has_no_answer_is_refused(measured):
    words = [
        "others has 3 classes, ",
        "--metrics=intra_fid needs labelled real images",
        "--metrics=intra_fid needs a generator: give --run or --model, not --images",
        "--fake_labels=data needs a generator",
        "others has 3 classes, ",
    ]
    for expected, (code, _, err) in zip(words, measured[0][3:], strict=True):
        assert code == 2 and expected in err, err
        assert 1 <= len(err.strip().splitlines()) <= 2, err
