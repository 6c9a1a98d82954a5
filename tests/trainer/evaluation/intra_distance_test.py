"""The Frechet distance class by class, against numpy."""

import dataclasses

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated, image_set, intra_distance, measure, report
from dualcontrast.trainer.features.extractor import Extractor

NAMES = ("cat", "dog", "eel", "fox")


class Network:
    """Six numbers of the corners, and how often it was traced."""

    def __init__(self):
        self.traces = 0

    def extractor(self) -> Extractor:
        def compute(images):
            self.traces += 1
            return features(tf.cast(images, tf.float32)), None

        return Extractor("corners", "0" * 64, "none", compute)


def features(images):
    return images[:, 0, 0, :] / 20 + images[:, 3, 5, :] / 50


def draw(numbers, labels):
    """Images in [-1, 1] that depend on number and class alone."""
    seeds = tf.stack([numbers, tf.zeros_like(numbers)], axis=1)
    noise = tf.map_fn(
        lambda seed: tf.random.stateless_uniform([8, 8, 3], seed, -0.5, 0.2),
        seeds,
        fn_output_signature=tf.float32,
    )
    return noise + tf.cast(labels, tf.float32)[:, None, None, None] / 8


SOURCE = generated.Source("run", 8, 3, NAMES, {"weights": "ab"}, 3, 1.0, True, draw)


def run(labelled, source=SOURCE, count=70):
    plan, images = measure.Plan((intra_distance.METRIC,), {"main": Network().extractor()}), []
    reals = image_set.of_dataset(labelled, None, 96)
    known = measure.Reals(reals, None).references(plan)["main"]
    found = intra_distance.measure(plan, known, reals, source, count, images.append)
    return found, images


def by_numpy(reals: np.ndarray, fakes: np.ndarray) -> float:
    """|m - n|^2 + tr(S + T - 2 (S T)^(1/2)), Heusel et al. 2017, eq. 6, by scipy's root."""
    (s, t), step = (np.cov(x, rowvar=False) for x in (reals, fakes)), reals.mean(0) - fakes.mean(0)
    return float(step @ step + np.trace(s + t - 2 * scipy.linalg.sqrtm(s @ t).real))


def test_the_value_of_each_class_is_that_of_its_images(labelled):
    found, counts = run(labelled)
    stored = np.concatenate(list(image_set.of_dataset(labelled, 96, 96).read()))
    labels = np.array([0, 0, 2] * 24 + [1] * 4 + [2] * 20)
    expected = {}
    for label in (0, 2):
        # Image i of each class has the latents of seed i, here of 3 * 2^32 + i.
        numbers = tf.range(70, dtype=tf.int64) + 3 * 2**32
        drawn = draw(numbers, tf.fill([70], label)).numpy()
        fakes = np.clip(np.rint((drawn + 1) * 127.5), 0, 255)
        own = stored[labels == label].astype(np.float64)
        expected[NAMES[label]] = by_numpy(features(own), features(fakes))
    for name, estimate in found.classes.items():
        assert estimate.value == pytest.approx(expected[name], rel=1e-4), name
    assert [*found.classes] == ["cat", "eel"]
    assert found.estimate.value == pytest.approx(np.mean([*expected.values()]), rel=1e-4)
    assert (found.estimate.reals, found.estimate.fakes) == (48 + 44, 2 * 70)
    assert counts[-1] == 140 and sorted(counts) == counts


def test_classes_with_too_few_images_are_named(labelled):
    found, _ = run(labelled)
    assert found.left_out == {"dog": 4, "fox": 0}
    assert "left out, with fewer than 20 real images: dog (4), fox (0)" in found.estimate.warning
    table = report.table({"intra_fid": found})
    assert "\n  cat " in table and "\n  eel " in table and "dog (4)" in table
    how = {"images_seen": 1, "fakes": "", "reals": "", "protocol": {}, "request": ""}
    row = report.record({"intra_fid": found}, seconds=1.0, **how)
    estimate = row["estimates"]["intra_fid"]
    assert estimate["classes"]["eel"]["value"] == found.classes["eel"].value
    assert estimate["left_out"] == {"dog": 4, "fox": 0}
    assert row["intra_fid"] == found.estimate.value


def test_the_extractor_is_traced_once_for_all_classes(labelled):
    network = Network()
    plan = measure.Plan((intra_distance.METRIC,), {"main": network.extractor()})
    reals = image_set.of_dataset(labelled, None, 96)
    known = measure.Reals(reals, None).references(plan)["main"]
    before = network.traces
    intra_distance.measure(plan, known, reals, SOURCE, 33)
    assert network.traces == before + 1


def test_what_cannot_be_measured_is_refused_before_any_image_is_drawn(labelled, dataset):
    reals = image_set.of_dataset(labelled, None, 96)
    plain = dataclasses.replace(SOURCE, classes=())
    for source in (None, plain):
        with pytest.raises(UserError, match="--metrics=intra_fid .* run has no classes"):
            intra_distance.check("run", source, reals)
    with pytest.raises(UserError, match="needs labelled real images"):
        intra_distance.check("run", SOURCE, image_set.of_dataset(dataset, 50, 50))
    with pytest.raises(UserError, match="needs 20 real images of a class, .* has 7 of cat"):
        intra_distance.check("run", SOURCE, image_set.of_dataset(labelled, 10, 10))
    others = dataclasses.replace(SOURCE, classes=("cat", "eel", "dog", "fox"))
    with pytest.raises(UserError, match="number 1 is dog there and eel here"):
        intra_distance.check("run", others, reals)
