import dataclasses

import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import feature_distribution_distance as fddf
from dualcontrast.trainer.metrics import statistics

COMPOSITION = fddf.Composition(batch_size=8, group=4, order="stored")


def white(count: int, size: int) -> np.ndarray:
    """Samples whose own mean is 0 and whose own covariance is the identity, up to rounding."""
    array = np.random.default_rng(0).standard_normal([count, size])
    return np.linalg.qr(array - array.mean(axis=0))[0] * np.sqrt(count - 1)


def measure(reals, fakes, parts=10, composition=COMPOSITION):
    dealt = [statistics.deal(x, parts, run=8) for x in (reals, fakes)]
    return fddf.estimate(*dealt, composition)


def test_a_network_that_tells_nothing_has_no_distance():
    found = measure(white(400, 6), white(400, 6))
    assert found.distance.value == pytest.approx(0, abs=1e-10)
    assert found.scale_free.value == pytest.approx(0, abs=1e-10)


def test_normal_and_twice_as_wide_are_apart_by_the_dimension():
    # d (2 - 1)^2; over the variances d + 4 d.
    found = measure(white(400, 6), 2 * white(400, 6))
    assert found.distance.value == pytest.approx(6, rel=1e-9)
    assert found.scale_free.value == pytest.approx(1 / 5, rel=1e-9)


def test_a_shift_counts_its_square():
    shift = np.arange(6.0)
    found = measure(white(400, 6), white(400, 6) + shift)
    assert found.distance.value == pytest.approx(55, rel=1e-9)


def test_a_factor_on_the_features_is_squared_in_one_and_gone_from_the_other():
    reals, fakes = white(400, 6), 1.7 * white(400, 6) + 0.5
    one, other = measure(reals, fakes), measure(3 * reals, 3 * fakes)
    assert other.distance.value == pytest.approx(9 * one.distance.value, rel=1e-9)
    assert other.distance.deviation == pytest.approx(9 * one.distance.deviation, rel=1e-6)
    assert other.scale_free.value == pytest.approx(one.scale_free.value, rel=1e-9)
    assert other.scale_free.deviation == pytest.approx(one.scale_free.deviation, rel=1e-6)


def test_the_composition_of_the_batches_is_part_of_the_result():
    found = dataclasses.asdict(measure(white(400, 6), white(400, 6)))
    assert found["composition"] == {"batch_size": 8, "group": 4, "order": "stored"}
    assert found["scale_free"]["reals"] == found["distance"]["fakes"] == 400


def test_batches_that_are_no_whole_groups_are_refused():
    with pytest.raises(UserError, match="batches of 6 in groups of 4"):
        measure(white(400, 6), white(400, 6), composition=fddf.Composition(6, 4, "stored"))


def test_features_that_do_not_vary_have_no_scale():
    with pytest.raises(UserError, match="the same for all images"):
        measure(np.ones([80, 6]), np.zeros([80, 6]), parts=1)
