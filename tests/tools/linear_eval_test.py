"""dualcontrast-linear-eval: a line upon the features of a frozen discriminator."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.tools.evaluation import linear_evaluation
from dualcontrast.tools.evaluation.linear_evaluation import Labelled, Recipe
from dualcontrast.trainer import files, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.config.families import sngan
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated, linear_head


class Brightness(networks.Discriminator):
    """Two features: the mean of the image, and that of its square."""

    def features(self, images):
        return tf.stack([tf.reduce_mean(images**k, [1, 2, 3]) for k in (1, 2)], axis=1)


def grey(seed: int, count: int) -> Labelled:
    """Images of three brightnesses, which are their classes."""
    labels = np.random.default_rng(seed).integers(0, 3, count)
    images = np.broadcast_to((90 * labels)[:, None, None, None], (count, 8, 8, 1))
    return Labelled(images.astype(np.uint8), labels)


def test_a_step_is_that_of_logistic_regression():
    data = grey(0, 4)
    recipe = Recipe(epochs=1, batch_size=4, crops=False, seed=5)
    found = linear_evaluation.evaluate(Brightness(), data, data, 3, recipe, lambda seen: None)

    drawn = np.random.default_rng(5)
    bound = 2**-0.5
    weights, bias = drawn.uniform(-bound, bound, (2, 3)), drawn.uniform(-bound, bound, 3)
    means = data.images[:, 0, 0, 0] / 127.5 - 1
    features = np.stack([means, means**2], axis=1)
    shares = np.exp(features @ weights + bias)
    slopes = (shares / shares.sum(1, keepdims=True) - np.eye(3)[data.labels]) / 4
    np.testing.assert_allclose(found.weights, weights - 0.1 * features.T @ slopes, atol=1e-6)
    np.testing.assert_allclose(found.bias, bias - 0.1 * slopes.sum(0), atol=1e-6)


def test_classes_that_features_tell_apart_are_learnt():
    shown = []
    recipe = Recipe(epochs=300, batch_size=32, crops=False, learning_rate=1.0)
    found = linear_evaluation.evaluate(
        Brightness(), grey(0, 96), grey(1, 30), 3, recipe, shown.append
    )
    assert found.accuracy > 99 and shown[-1] == 300 * 96


def test_the_step_size_falls_thrice():
    recipe = Recipe()
    rates = [recipe.rate(epoch) for epoch in (0, 59, 60, 74, 75, 89, 90, 99)]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-4])


def test_a_split_has_every_image_once():
    data = grey(0, 11)
    numbered = Labelled(data.images, np.arange(11))
    train, test = linear_evaluation.split(numbered, 0.2, seed=3)
    assert (len(train), len(test)) == (9, 2)
    assert sorted([*train.labels, *test.labels]) == list(range(11))


def test_the_head_of_another_trunk_is_refused(tmp_path):
    about = {"classes": ["a", "b"], "checkpoint": "RUN/checkpoints/images-8"}
    head = linear_head.LinearHead(np.ones([3, 2], np.float32), np.zeros(2, np.float32), "x", about)
    path = tmp_path / "head.npz"
    linear_head.save(path, head)
    again = linear_head.load(path, "x")
    assert again.classes == ("a", "b")
    np.testing.assert_array_equal(again.weights, head.weights)
    with pytest.raises(UserError, match="trained upon RUN/checkpoints/images-8, not upon this"):
        linear_head.load(path, "y")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="no linear head, or damaged"):
        linear_head.load(path, "x")


@pytest.fixture(name="run", scope="module")
def _run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "run"
    config = schema.Config(
        generator=sngan.Generator(architecture="dcgan", width=1, latent_size=4),
        discriminator=sngan.Discriminator(architecture="dcgan", width=1, head="mlp", head_width=4),
    )
    config = schema.replace(config, {"data.resolution": 8, "data.channels": 3})
    trained = state.State(config)
    trained.images_seen.assign(8)
    checkpoint.Checkpoints(workdir, trained, keep=1).save()
    files.write(workdir / checkpoint.CONFIG_NAME, serialisation.to_json(config))
    return workdir


def test_the_command_writes_a_line_and_a_classifier(bench, write_labelled, run, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, [20, 8, 8, 3]).astype(np.uint8)
    labels = np.arange(20) % 2
    write_labelled(tmp_path / "data", images, labels, ["a", "b"])
    write_labelled(tmp_path / "other", images[:4], labels[:4], ["a", "c"])
    write_labelled(tmp_path / "large", images.repeat(2, 1).repeat(2, 2), labels, ["a", "b"])
    plain = write_labelled(tmp_path / "plain", images, labels, ["a", "b"])
    text = manifest.to_json(dataclasses.replace(plain, classes=()))
    (tmp_path / "plain" / manifest.FILE_NAME).write_text(text)
    short = [f"--run={run}", "--epochs=2", "--batch_size=6", "--runs=2"]
    data = f"--data={tmp_path / 'data'}"
    results = bench.calls(
        "linear_eval",
        [*short, data, f"--output={tmp_path / 'head.npz'}"],
        [*short, data, f"--test={tmp_path / 'other'}"],
        [*short, f"--data={tmp_path / 'plain'}"],
        [*short, f"--data={tmp_path / 'large'}"],
    )
    assert [code for code, _, _ in results] == [0, 2, 2, 2], results
    assert "% (2 runs) of 4 images in 2 classes" in results[0][1]
    row = json.loads((run / "metrics-linear.jsonl").read_text())
    assert row["checkpoint"] == str(run / "checkpoints" / "images-8")
    assert len(row["runs"]) == 2 and row["accuracy"] == pytest.approx(np.mean(row["runs"]))
    assert (row["train"]["images"], row["test"]["images"]) == (16, 4)
    digest = generated.weights_digest(checkpoint.load_discriminator(str(run)))
    assert linear_head.load(tmp_path / "head.npz", digest).weights.shape == (8, 2)
    expected = ["other classes than", "has no labels", "images of 16x16x3, and the run's are 8x8x3"]
    for (_, _, told), words in zip(results[1:], expected):
        assert words in told and len(told.strip().splitlines()) <= 2
