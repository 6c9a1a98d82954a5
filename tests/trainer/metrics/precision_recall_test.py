import numpy as np
import pytest
from scipy.spatial import distance

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import precision_recall


def normal(count: int, seed: int, size: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal([count, size])


def values(found: precision_recall.PrecisionRecall) -> list[float]:
    return [x.value for x in (found.precision, found.recall, found.density, found.coverage)]


def by_definition(reals: np.ndarray, fakes: np.ndarray, k: int, wide: int) -> list[float]:
    """The whole matrices of distances."""
    real_radii = np.sort(distance.cdist(reals, reals), axis=1)  # the first is the sample itself
    fake_radii = np.sort(distance.cdist(fakes, fakes), axis=1)[:, k]
    across = distance.cdist(reals, fakes)
    inside = across <= real_radii[:, [wide]]
    return [
        (across <= real_radii[:, [k]]).any(axis=0).mean(),
        (across <= fake_radii).any(axis=1).mean(),
        inside.sum() / wide / len(fakes),
        inside.any(axis=1).mean(),
    ]


@pytest.mark.parametrize("block", [7, 50, 2048])
def test_all_four_are_those_of_the_whole_matrix(block, monkeypatch):
    monkeypatch.setattr(precision_recall, "_BLOCK", block)
    reals, fakes = normal(120, 0), 0.8 * normal(90, 1) + 0.3
    found = precision_recall.estimate(reals, fakes, 3, 5)
    assert values(found) == pytest.approx(by_definition(reals, fakes, 3, 5), rel=1e-12)


def test_five_points_on_a_line_by_hand():
    # Reals 0, 1, 3 with the nearest at 1, 1, 2; fakes 0.5, 10 with 9.5 for both.
    reals, fakes = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [10.0]])
    found = precision_recall.estimate(reals, fakes, 1, 1)
    # 0.5 lies in the balls of 0 and 1; 10 in none. All reals lie in the ball of 0.5.
    assert values(found) == pytest.approx([1 / 2, 1, 2 / 2, 2 / 3])


def test_a_set_covers_itself():
    array = normal(100, 0)
    found = precision_recall.estimate(array, array)
    # Around a real are the sample itself and 5 neighbours: 6 / 5.
    assert values(found) == pytest.approx([1, 1, 1.2, 1])


def test_sets_far_apart_do_not_meet():
    assert values(precision_recall.estimate(normal(50, 0), normal(50, 1) + 100)) == [0, 0, 0, 0]


def test_a_collapsed_generator_is_precise_and_recalls_nothing():
    reals = normal(300, 0)
    fakes = reals[:1] + 1e-3 * normal(300, 1)
    precision, recall, density, coverage = values(precision_recall.estimate(reals, fakes))
    assert precision == 1 and recall < 0.02 and density > 0.5 and coverage < 0.1


@pytest.mark.parametrize("block", [7, 2048])
def test_rounding_leaves_no_sample_on_the_rim_outside(block, monkeypatch):
    # The same distances, summed by BLAS in another order.
    monkeypatch.setattr(precision_recall, "_BLOCK", block)
    array = normal(150, 0, 300)
    found = precision_recall.estimate(array, np.random.default_rng(1).permutation(array))
    assert values(found) == pytest.approx([1, 1, 1.2, 1])


@pytest.mark.parametrize("block", [37, 2048])  # 37 parts copies from each other
def test_copies_count_as_neighbours(block, monkeypatch):
    monkeypatch.setattr(precision_recall, "_BLOCK", block)
    # Each real is there five times, so all balls have the radius 0 and still hold a copy.
    reals = np.repeat(normal(20, 0, 1000), 5, axis=0).astype(np.float32)
    found = precision_recall.estimate(reals, reals[::5], 3, 4)
    assert values(found) == [1, 1, 5 / 4, 1]
    assert values(precision_recall.estimate(reals, reals[::5] + np.float32(0.01), 3, 4))[0] == 0


@pytest.mark.parametrize("scale, offset", [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e6)])
def test_neither_scale_nor_place_matters(scale, offset):
    reals, fakes = normal(120, 0), 0.8 * normal(90, 1) + 0.3
    expected = values(precision_recall.estimate(reals, fakes))
    moved = precision_recall.estimate(scale * reals + offset, scale * fakes + offset)
    assert values(moved) == pytest.approx(expected, rel=1e-12)


def test_half_precision_would_be_noticed():
    reals, fakes = normal(500, 0) + 50, normal(500, 1) + 50.2
    exact = values(precision_recall.estimate(reals, fakes))
    halved = [x.astype(np.float16).astype(np.float64) for x in (reals, fakes)]
    assert values(precision_recall.estimate(*halved)) != pytest.approx(exact, rel=1e-6)


def test_the_deviation_is_that_of_a_share():
    reals, fakes = normal(120, 0), normal(90, 1) + 1
    found = precision_recall.estimate(reals, fakes)
    share = found.precision.value
    assert found.precision.deviation == pytest.approx((share * (1 - share) / 89) ** 0.5)
    assert (found.recall.reals, found.recall.fakes) == (120, 90)
    assert "120 reals and 90 fakes" in found.recall.warning


def test_too_few_samples_are_refused():
    with pytest.raises(
        UserError, match="real features are too few: received 5, expected at least 6"
    ):
        precision_recall.estimate(normal(5, 0), normal(50, 0))
    with pytest.raises(UserError, match="fake features have 5 columns, expected 6"):
        precision_recall.estimate(normal(9, 0), normal(9, 0, 5))
    with pytest.raises(UserError, match="0 and 5 neighbours"):
        precision_recall.estimate(normal(9, 0), normal(9, 0), 0)
