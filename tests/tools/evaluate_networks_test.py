"""dualcontrast-evaluate of what a run's networks know: separability and overfitting."""

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
from dualcontrast.trainer.evaluation import generated, image_set
from dualcontrast.trainer.features import discriminator

SMALL = {
    "generator.latent_size": 4,
    "generator.w_size": 4,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 32,
    "generator.fmap_max": 4,
    "discriminator.fmap_base": 32,
    "discriminator.fmap_max": 4,
    "training.batch_size": 4,
    "training.total_images": 8000,
    "loss.warmup_images": 0,
}
CONFIG = schema.resolve(schema.replace(schema.Config(), SMALL), 8, 3)
COUNT = 600


def pixels(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Dark and bright images, and which they are."""
    random, labels = np.random.default_rng(seed), np.arange(count) % 2
    noise = random.integers(0, 60, (count, 8, 8, 3))
    return (noise + 40 + 110 * labels[:, None, None, None]).astype(np.uint8), labels


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory, write_labelled) -> dict[str, manifest.Manifest]:
    """Images to train with, others of their kind, and what cannot stand for them."""
    folder = tmp_path_factory.mktemp("data")
    names = ("dark", "bright")
    made = {
        name: write_labelled(folder / name, *pixels(count, seed), names)
        for seed, (name, count) in enumerate({"train": 44, "held": 30, "few": 6}.items())
    }
    images, labels = pixels(44, 7)
    made["large"] = write_labelled(
        folder / "large", images.repeat(2, 1).repeat(2, 2), labels, names
    )
    made["alike"] = write_labelled(folder / "alike", images, 0 * labels, names)
    return made


def show_brightness_of(average, source: str) -> None:
    """Makes an image's brightness a function of |z_0|, by way of w_0, or of its noise alone.

    A plane in z says nothing about |z_0|. The first w is the sum of the
    leaky ReLUs of z_0 and -z_0, which is 0.8 |z_0|, so a plane in w says everything.
    """
    styles = [layer.convolution.style for layer in average.synthesis.layers]
    to_rgb = average.synthesis.to_rgb
    for layer in (*styles, *(one.convolution.style for one in to_rgb), *average.mapping.dense):
        layer.kernel.assign(tf.zeros(layer.kernel.shape))
    first, second = average.mapping.dense
    first.kernel.assign(100 * tf.constant([[1.0, -1, 0, 0], *3 * [4 * [0.0]]]))
    second.kernel.assign(100 * tf.constant([*2 * [[1.0, 0, 0, 0]], *2 * [4 * [0.0]]]))
    last = to_rgb[-1].convolution
    for one in to_rgb:
        one.convolution.kernel.assign(tf.zeros(one.convolution.kernel.shape))
        one.bias.assign(tf.zeros(one.bias.shape))
    last.kernel.assign(tf.ones(last.kernel.shape))
    if source == "w":
        last.style.kernel.assign(tf.constant([4 * [1.0], *3 * [4 * [0.0]]]))
        last.style.bias.assign(tf.zeros(last.style.bias.shape))
    # Maps of ones, with noise or without.
    average.synthesis.constant.assign(tf.zeros(average.synthesis.constant.shape))
    layer = average.synthesis.layers[-1]
    layer.bias.assign(tf.ones(layer.bias.shape))
    layer.strength.assign(0.2 if source == "noise" else 0.0)
    centre(average, 0.1 if source == "noise" else 0.5)


def centre(average, deviation: float) -> None:
    """Makes half of the images darker than 127.5, with a deviation on the scale of [-1, 1]."""
    last = average.synthesis.to_rgb[-1]
    draw = generated.of_generator(average, "run", 0).draw
    found = np.mean(draw(tf.range(400, dtype=tf.int64)), axis=(1, 2, 3))
    scale = np.float32(deviation / found.std())
    last.convolution.kernel.assign(last.convolution.kernel * scale)
    last.bias.assign(tf.fill([3], -scale * np.median(found)))


@pytest.fixture(name="run", scope="module")
def _run(data, tmp_path_factory) -> pathlib.Path:
    """A run whose images show at 4,000 their noise alone, at 8,000 w alone."""
    workdir = tmp_path_factory.mktemp("runs") / "run"
    keras.utils.set_random_seed(0)
    trained = state.State(CONFIG)
    checkpoint.claim(workdir, CONFIG, data["train"])
    checkpoints = checkpoint.Checkpoints(workdir, trained, keep=2)
    for images_seen, source in ((4000, "noise"), (8000, "w")):
        show_brightness_of(trained.average, source)
        trained.images_seen.assign(images_seen)
        checkpoints.save()
    files.write(workdir / checkpoint.CONFIG_NAME, serialisation.to_json(CONFIG))
    return workdir


def save_classifier(path: pathlib.Path, changed=lambda x: x, channels: int = 3) -> pathlib.Path:
    """Saves a network whose logit is the brightness less 127.5, on which `changed` is applied."""
    images = keras.Input([None, None, channels])
    pooled = keras.layers.GlobalAveragePooling2D()(images)
    dense = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(1 / channels))
    logits = keras.layers.Rescaling(1.0, offset=-127.5)(dense(pooled))
    keras.Model(images, changed(logits)).save(path)
    return path


@pytest.fixture(name="measured", scope="module")
def _measured(run, data, bench, tmp_path_factory):
    """What each call said, and the rows."""
    folder = tmp_path_factory.mktemp("out")
    output = f"--output={folder / 'results.jsonl'}"
    file = save_classifier(folder / "brightness.keras")
    sure = save_classifier(folder / "sure.keras", keras.layers.Activation("sigmoid"))
    asked = ["--metrics=separability", f"--separability_count={COUNT}", output]
    results = bench.calls(
        "evaluate",
        [f"--run={run}/checkpoints/images-4000", *asked, f"--classifier={file}"],
        [f"--run={run}", *asked, f"--classifier={file}"],
        [f"--run={run}", *asked, f"--classifier_data={data['train'].folder}"],
        [f"--run={run}", *asked, f"--classifier={sure}"],
        [
            *(f"--run={run}", f"--data={data['train'].folder}", "--fake_count=42", output),
            *("--metrics=overfitting,fddf", f"--validation={data['held'].folder}", "--cache="),
        ],
        [
            *(f"--run={run}", f"--data={data['held'].folder}", "--fake_count=42", output),
            *("--metrics=overfitting", f"--validation={data['train'].folder}", "--cache="),
        ],
    )
    assert [code for code, _, _ in results] == [0] * 6, results
    rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    return results, rows


def test_what_only_the_noise_decides_is_not_separable(measured):
    row = measured[1][0]
    # Half are bright, so that their entropy is one bit.
    assert row["separability_z"] == pytest.approx(2, abs=0.1)
    assert row["separability_w"] == pytest.approx(2, abs=0.1)


def test_what_w_decides_is_separable_there_and_not_in_z(measured):
    row = measured[1][1]
    assert row["separability_w"] < 1.05 and row["separability_z"] > 1.8
    assert row["images_seen"] == 8000 and row["reals"] == "nothing"
    assert row["estimates"]["separability_w"]["fakes"] == COUNT
    assert row["protocol"]["separability"] == {"images": COUNT, "kept": 0.5}
    classifier = row["protocol"]["extractors"]["classifier"]
    assert classifier["name"] == "brightness.keras" and len(classifier["sha256"]) == 64


def test_a_classifier_is_trained_on_labelled_images_and_measured(measured):
    (_, out, _), row = measured[0][2], measured[1][2]
    assert row["separability_w"] < 1.05 and row["separability_z"] > 1.8
    assert "linear on embedded (accuracy 100.0 % on 9 images held out" in out
    about = row["protocol"]["extractors"]["classifier"]
    assert about["accuracy"] == 1 and about["classes"] == ["dark", "bright"]
    assert about["accuracy_by_guessing"] == pytest.approx(5 / 9)


def test_probabilities_in_place_of_logits_are_said(measured):
    assert "expected logits and not probabilities" in measured[0][3][1]


def mean_logit(network, images: image_set.ImageSet) -> float:
    """Of whole batches of four."""
    found = np.concatenate(list(images.read()))
    batches = found[: len(found) // 4 * 4].reshape(-1, 4, 8, 8, 3)
    return np.mean([network(discriminator.to_float(tf.constant(batch))) for batch in batches])


def test_overfitting_compares_three_mean_logits(measured, run, data):
    row = measured[1][4]
    network = checkpoint.load_discriminator(str(run))
    train, held = (
        mean_logit(network, image_set.of_dataset(data[name], None, 44))
        for name in ("train", "held")
    )
    average = checkpoint.load_average(str(run))[0]
    fakes = mean_logit(network, generated.of_generator(average, "run", 8000).images(42))
    assert row["logit_train"] == pytest.approx(train, rel=1e-4)
    assert row["logit_validation"] == pytest.approx(held, rel=1e-4)
    assert row["logit_generated"] == pytest.approx(fakes, rel=1e-4)
    # ADA, eq. 1.
    r_v = (train - held) / max(train - fakes, 1e-8)
    assert row["overfitting_r_v"] == pytest.approx(r_v, rel=1e-2)
    assert -1 <= row["overfitting_r_t"] <= 1
    assert row["estimates"]["logit_validation"]["reals"] == 28  # whole batches of 30
    assert row["protocol"]["validation"]["count"] == 30 and row["fddf"] > 0


def test_images_that_the_run_did_not_learn_from_are_no_training_images(measured):
    results, rows = measured
    assert "the run did not learn from --data=" in results[5][1]
    assert "the run did not learn" not in results[4][1]
    assert rows[5]["logit_train"] == rows[4]["logit_validation"]


def test_mistakes_are_answered_in_a_line_or_two(run, data, bench, tmp_path):
    of_nan = save_classifier(tmp_path / "nan.keras", lambda x: keras.ops.log(-1 - x * x))
    grey = save_classifier(tmp_path / "grey.keras", channels=1)
    (tmp_path / "head.npz").write_bytes(b"PK")
    folders = {name: found.folder for name, found in data.items()}
    separable = [f"--run={run}", "--metrics=separability", "--separability_count=20"]
    fitted = [f"--run={run}", f"--data={folders['train']}", "--metrics=overfitting", "--cache="]
    cases = {
        "needs one of --classifier and": separable,
        "got both": [*separable, f"--classifier={grey}", f"--classifier_data={folders['train']}"],
        "head.npz is no classifier: expected a .keras file, or the folder": [
            *(*separable, f"--classifier={tmp_path / 'head.npz'}"),
        ],
        "takes (None, None, None, 1), expected images": [*separable, f"--classifier={grey}"],
        "logits hold NaN or infinity": [*separable, "--trust_model", f"--classifier={of_nan}"],
        "has images of 8x8x3, ": [*separable, f"--classifier_data={folders['large']}"],
        "expected two classes of 10 images": [*separable, f"--classifier_data={folders['alike']}"],
        "There is no dataset folder": [*separable, "--classifier_data=nowhere"],
        "--validation is missing": fitted,
        "has the images of --data": [*fitted, f"--validation={folders['train']}"],
        "needs two batches of 4 images": [*fitted, f"--validation={folders['few']}"],
        "overfitting needs at least 8 images, received 6 generated": [
            *(*fitted, f"--validation={folders['held']}", "--fake_count=6"),
        ],
    }
    results = bench.calls("evaluate", *cases.values())
    for (words, arguments), (code, _, err) in zip(cases.items(), results):
        assert code == 2, (words, arguments, err)
        assert words in err, err
        assert 1 <= len(err.strip().splitlines()) <= 2, err
