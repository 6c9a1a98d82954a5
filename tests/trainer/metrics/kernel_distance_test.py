import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import kernel_distance


def normal(count: int, size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal([count, size])


def test_three_samples_by_hand():
    # k(x, y) = (x y + 1)^3. Reals 0, 1, 2: k(0,1) = 1, k(0,2) = 1, k(1,2) = 27: mean 29/3.
    # Fakes 1, -1: k = 0. Cross: 1, 1, 8, 0, 27, -1: mean 6. Together 29/3 + 0 - 12.
    reals, fakes = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [-1.0]])
    assert kernel_distance.distance(reals, fakes) == pytest.approx(29 / 3 - 12, rel=1e-12)


def test_the_kernel_divides_by_the_size_of_the_features():
    reals, fakes = normal(30, 1, 0), normal(30, 1, 1)
    wide = [np.repeat(x, 7, axis=1) for x in (reals, fakes)]
    expected = kernel_distance.distance(reals, fakes)
    assert kernel_distance.distance(*wide) == pytest.approx(expected, rel=1e-12)


def test_halves_of_one_distribution_are_at_zero_on_average_and_below_it_at_times():
    values = [
        kernel_distance.distance(normal(50, 4, 2 * seed), normal(50, 4, 2 * seed + 1))
        for seed in range(200)
    ]
    assert min(values) < 0
    assert abs(np.mean(values)) < 4 * np.std(values) / 200**0.5


def biased(reals: np.ndarray, fakes: np.ndarray) -> float:
    """With the pairs of a sample and itself: what is not to be computed."""
    x, y, xy = (
        ((a @ b.T / a.shape[1] + 1) ** 3).mean()
        for a, b in ((reals, reals), (fakes, fakes), (reals, fakes))
    )
    return x + y - 2 * xy


def test_the_biased_distance_would_be_noticed():
    values = [biased(normal(50, 4, 2 * seed), normal(50, 4, 2 * seed + 1)) for seed in range(200)]
    assert np.mean(values) > 20 * np.std(values) / 200**0.5


def test_one_subset_of_everything_is_the_distance():
    reals, fakes = normal(60, 4, 0), normal(60, 4, 1) + 0.5
    found = kernel_distance.estimate(reals, fakes, subsets=1, subset_size=60)
    assert found.value == pytest.approx(kernel_distance.distance(reals, fakes), rel=1e-12)
    assert found.deviation is None


def test_the_mean_over_subsets_is_the_distance_of_the_whole():
    reals, fakes = normal(400, 4, 0), normal(300, 4, 1) + 0.5
    found = kernel_distance.estimate(reals, fakes, subsets=300, subset_size=50)
    error = found.deviation / 300**0.5
    assert abs(found.value - kernel_distance.distance(reals, fakes)) < 4 * error
    assert (found.reals, found.fakes, found.warning) == (400, 300, "")


def test_the_seed_decides_the_subsets():
    reals, fakes = normal(100, 4, 0), normal(100, 4, 1)
    values = [kernel_distance.estimate(reals, fakes, 5, 20, seed).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_subsets_are_no_larger_than_the_samples():
    found = kernel_distance.estimate(normal(100, 4, 0), normal(30, 4, 1), subsets=3)
    assert "100" not in found.method and "subsets of 30" in found.warning


def test_float32_features_are_multiplied_in_float64():
    reals, fakes = (normal(200, 16, seed).astype(np.float32) for seed in (0, 1))
    exact = kernel_distance.distance(*(x.astype(np.float64) for x in (reals, fakes)))
    assert kernel_distance.distance(reals, fakes) == exact
    halved = [x.astype(np.float16).astype(np.float64) for x in (reals, fakes)]
    assert not kernel_distance.distance(*halved) == pytest.approx(exact, rel=1e-6)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(UserError, match="fake features have 3 columns, expected 4"):
        kernel_distance.estimate(normal(10, 4, 0), normal(10, 3, 0))
    with pytest.raises(UserError, match="real features are too few: received 1"):
        kernel_distance.distance(normal(1, 4, 0), normal(10, 4, 0))
    with pytest.raises(UserError, match="0 subsets of 1000"):
        kernel_distance.estimate(normal(10, 4, 0), normal(10, 4, 0), subsets=0)
