"""Metrics of images: one pass, no dependence on batches, and what is refused."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import measure
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features import embedded
from dualcontrast.trainer.features.extractor import Extraction, Extractor
from dualcontrast.trainer.metrics import frechet_distance, statistics
from dualcontrast.trainer.metrics.feature_distribution_distance import Composition


def pixels(seed: int, count: int, least: int = 0) -> np.ndarray:
    """Blocks of color with noise, uint8 [count, 16, 16, 3]."""
    random = np.random.default_rng(seed)
    coarse = random.integers(least, 200, (count, 4, 4, 3)).repeat(4, 1).repeat(4, 2)
    return (coarse + random.integers(0, 56, (count, 16, 16, 3))).astype(np.uint8)


class Images:
    """Images in batches of odd sizes that count how often each is read."""

    def __init__(self, content: np.ndarray, step: int = 13):
        self.content, self.step, self.read_images = content, step, 0

    def set(self) -> ImageSet:
        protocol = {"count": len(self.content), "sha256": str(self.content.sum())}
        return ImageSet("images", len(self.content), 16, 3, protocol, self._read)

    def _read(self):
        for first in range(0, len(self.content), self.step):
            batch = self.content[first : first + self.step]
            self.read_images += len(batch)
            yield batch


REALS, FAKES = pixels(0, 150), pixels(1, 130, least=40)


def classifier() -> Extractor:
    """Means and deviations of the channels, and logits of 4 classes."""

    def compute(images):
        x = tf.cast(images, tf.float32) / 255
        mean, variance = tf.nn.moments(x, [1, 2])
        return tf.concat([mean, variance], 1), 20 * tf.concat([mean, 1 - variance[:, :1]], 1)

    return Extractor("classifier", "0" * 64, "x / 255", compute)


def run(plan: measure.Plan, reals: Images, fakes: Images) -> dict[str, measure.Result]:
    found = measure.Reals(reals.set(), None)
    return measure.measure(plan, found.references(plan), fakes.set())


def test_several_metrics_read_every_image_once():
    reals, fakes = Images(REALS), Images(FAKES)
    metrics = ("fid", "kid", "is", "precision_recall")
    extractors = {"main": classifier(), "shape": embedded.load()}
    found = run(measure.Plan(metrics, extractors), reals, fakes)
    shares = ["precision", "recall", "density", "coverage"]
    assert list(found) == ["fid", "kid", "is", *shares]
    assert (reals.read_images, fakes.read_images) == (150, 130)
    assert found["fid"].extractor == "classifier" and found["fid"].note == ""
    assert found["recall"].extractor == "embedded" and "not comparable" in found["recall"].note


def test_values_are_the_metrics_of_the_features():
    found = run(measure.Plan(("fid",), {"main": classifier()}), Images(REALS), Images(FAKES))
    tables = [Extraction(classifier(), 150)(content).table for content in (REALS, FAKES)]
    (a,), (b,) = (statistics.deal(table, 1) for table in tables)
    estimate = found["fid"].estimate
    assert estimate.value == pytest.approx(frechet_distance.distance(a, b), rel=1e-7)
    assert (estimate.reals, estimate.fakes) == (150, 130)
    assert 0 < estimate.deviation < estimate.value


def test_results_do_not_depend_on_batches():
    plans = [
        measure.Plan(("fid", "kid", "precision_recall"), {"main": embedded.load()}, batch_size=size)
        for size in (1, 7, 64)
    ]
    found = [run(plan, Images(REALS, 31), Images(FAKES, plan.batch_size)) for plan in plans]
    for name in found[0]:
        values = [results[name].estimate.value for results in found]
        assert np.ptp(values) <= 1e-7 * abs(values[0]), name


def test_without_error_bars_the_value_is_the_same():
    plan = measure.Plan(("fid",), {"main": classifier()}, error_bars=False)
    bare = run(plan, Images(REALS), Images(FAKES))["fid"].estimate
    full = run(dataclasses.replace(plan, error_bars=True), Images(REALS), Images(FAKES))
    assert bare.deviation is None
    assert bare.value == pytest.approx(full["fid"].estimate.value, rel=1e-9)


def test_features_that_depend_on_the_batch_come_from_whole_batches_only():
    def compute(images):
        x = tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2])
        return x - tf.reduce_mean(x, axis=0), None

    network = Extractor("discriminator", "1" * 64, "none", compute)
    plan = measure.Plan(("fddf",), {"discriminator": network}, Composition(12, 4, "stored"))
    found = run(plan, Images(REALS), Images(FAKES))
    assert found["fddf"].estimate.reals == 144 and found["fddf"].estimate.fakes == 120
    assert found["fddf_scale_free"].estimate.value < found["fddf"].estimate.value


def test_a_network_that_returns_nan_is_named():
    def compute(images):
        return tf.reduce_mean(tf.cast(images, tf.float32), [1, 2]) * np.nan, None

    network = Extractor("broken", "2" * 64, "none", compute)
    with pytest.raises(UserError, match="NaN or infinity"):
        run(measure.Plan(("fid",), {"main": network}), Images(REALS), Images(FAKES))


def test_the_inception_score_needs_a_network_that_classifies():
    with pytest.raises(UserError, match="embedded does not: add --extractor=inception"):
        run(measure.Plan(("is",), {"main": embedded.load()}), Images(REALS), Images(FAKES))


@pytest.mark.parametrize(
    "metric, reals, fakes, words",
    [
        ("fid", 1, 100, "fid needs at least 2 images, received 1 real"),
        ("kid", 100, 1, "kid needs at least 2 images, received 1 generated"),
        ("precision_recall", 5, 100, "at least 6 images, received 5 real"),
        ("is", None, 9, "at least 10 images, received 9 generated"),
        ("fddf", 100, 39, "at least 40 images, received 39 generated"),
    ],
)
def test_too_few_images_are_refused_by_the_metric_that_needs_them(metric, reals, fakes, words):
    plan = measure.Plan((metric,), {"main": classifier()}, Composition(4, 4, "stored"))
    with pytest.raises(UserError, match=words):
        measure.check_counts(plan, reals, fakes)


def test_reals_are_read_once_for_many_generators(tmp_path):
    plan = measure.Plan(("fid",), {"main": classifier()})
    images = Images(REALS)
    reals = measure.Reals(images.set(), tmp_path)
    assert reals.missing(plan) == ["main"]
    first = reals.references(plan)["main"]
    assert reals.references(plan)["main"] is first and reals.missing(plan) == []
    again = measure.Reals(images.set(), tmp_path).references(plan)["main"]
    assert images.read_images == 150
    assert (again.statistics.covariance() == first.statistics.covariance()).all()
    # Statistics alone are not enough for a metric that compares each feature.
    greedy = measure.Plan(("fid", "kid"), {"main": classifier()})
    table = measure.Reals(images.set(), tmp_path).references(greedy)["main"].table
    assert table.shape == (150, 6) and isinstance(table, np.memmap)
    assert images.read_images == 300
