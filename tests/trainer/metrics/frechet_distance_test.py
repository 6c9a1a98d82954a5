import numpy as np
import pytest
from scipy import linalg

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import frechet_distance, statistics


def white(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Samples whose own mean is 0 and whose own covariance is the identity, up to rounding."""
    array = np.random.default_rng(seed).standard_normal([count, size])
    return np.linalg.qr(array - array.mean(axis=0))[0] * np.sqrt(count - 1)


def uneven(count: int, size: int, decay: float, seed: int) -> np.ndarray:
    """Samples whose columns' scales fall by exp(decay), rotated."""
    draw = np.random.default_rng(seed)
    scales = np.exp(-decay * np.arange(size) / size)
    return draw.standard_normal([count, size]) * scales @ linalg.qr(draw.normal(size=[size] * 2))[0]


def distance(reals: np.ndarray, fakes: np.ndarray) -> float:
    return frechet_distance.distance(*(statistics.deal(x, 1)[0] for x in (reals, fakes)))


def by_singular_values(reals: np.ndarray, fakes: np.ndarray) -> float:
    """The distance from the samples themselves: no covariance is formed, no digit is lost."""
    x, y = ((a - a.mean(axis=0)) / np.sqrt(len(a) - 1) for a in (reals, fakes))
    step = reals.mean(axis=0) - fakes.mean(axis=0)
    roots = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    return step @ step + (x**2).sum() + (y**2).sum() - 2 * roots


def test_gaussians_of_different_mean_and_scale_have_the_closed_form():
    # |m|^2 + d (1 - s)^2 with d = 6, s = 1.5, m = (0.3, 0, ...): 0.09 + 6 * 0.25.
    array = white(200, 6)
    shift = 0.3 * np.eye(6)[0]
    assert distance(array, 1.5 * array + shift) == pytest.approx(1.59, rel=1e-12)


def test_commuting_covariances_have_the_closed_form():
    # sum (sqrt(a_i) - sqrt(b_i))^2 over the shared axes.
    a, b = np.array([1.0, 2.0, 0.0, 3.0]), np.array([2.0, 0.5, 1.0, 3.0])
    array, turn = white(100, 4), linalg.qr(np.random.default_rng(1).normal(size=[4, 4]))[0]
    found = distance(array * a @ turn, array * b @ turn)
    assert found == pytest.approx(((a - b) ** 2).sum(), rel=1e-12)


def test_2048_dimensions_and_5000_samples_are_exact():
    array = white(5000, 2048)
    found = distance(array, 0.8 * array + 0.01)
    assert found == pytest.approx(2048 * (0.2**2 + 0.01**2), rel=1e-8)


@pytest.mark.parametrize("count, decay", [(900, 0.0), (900, 12.0), (100, 3.0), (100, 12.0)])
def test_uneven_and_singular_covariances_are_exact(count, decay):
    reals, fakes = uneven(count, 256, decay, 1), uneven(count + 10, 256, decay, 2) + 0.01
    expected = by_singular_values(reals, fakes)
    assert distance(reals, fakes) == pytest.approx(expected, rel=1e-8)


def test_the_root_of_a_product_taken_as_a_matrix_is_less_exact():
    # What the authors' code does; the test above would fail with it.
    reals, fakes = uneven(100, 256, 3.0, 1), uneven(110, 256, 3.0, 2) + 0.01
    x, y = (np.cov(a, rowvar=False) for a in (reals, fakes))
    step = reals.mean(axis=0) - fakes.mean(axis=0)
    root = np.trace(linalg.sqrtm(x @ y)).real
    theirs = step @ step + np.trace(x) + np.trace(y) - 2 * root
    assert not theirs == pytest.approx(by_singular_values(reals, fakes), rel=1e-8)


def test_a_set_has_no_distance_from_itself():
    array = uneven(300, 256, 10.0, 1)
    assert 0 <= distance(array, array) < 1e-12 * np.var(array, axis=0).sum()


def test_the_order_of_the_sets_does_not_matter():
    reals, fakes = uneven(300, 32, 1.0, 1), uneven(40, 32, 0.0, 2)
    assert distance(reals, fakes) == pytest.approx(distance(fakes, reals), rel=1e-12)


def test_features_that_do_not_vary_are_points():
    points = np.zeros([4, 3]), np.full([5, 3], 2.0)
    assert distance(*points) == pytest.approx(12.0)


def test_half_precision_and_the_population_covariance_would_be_noticed():
    array = uneven(500, 16, 1.0, 1)
    exact = distance(array, 1.1 * array + 0.2)
    halved = (1.1 * array + 0.2).astype(np.float16).astype(np.float64)
    assert not distance(array, halved) == pytest.approx(exact, rel=1e-6)
    # Population covariances shrink every term but the one of the means.
    population = 0.2**2 * 16 + (exact - 0.2**2 * 16) * 499 / 500
    assert not population == pytest.approx(exact, rel=1e-6)


def test_two_sizes_of_features_are_refused():
    with pytest.raises(UserError, match="real features have 4 columns, fake ones 3"):
        distance(white(20, 4), white(20, 3))


def test_an_estimate_is_the_value_of_the_whole_and_names_its_counts():
    reals, fakes = white(400, 8), white(300, 8, 1) * 1.2
    found = frechet_distance.estimate(statistics.deal(reals), statistics.deal(fakes))
    assert found.value == pytest.approx(distance(reals, fakes), rel=1e-12)
    assert (found.reals, found.fakes, found.warning) == (400, 300, "")
    assert "jackknife over 10 parts of the reals and fakes" in found.method


def repeated(draws: int, fixed: bool) -> tuple[float, float]:
    """The deviation between repetitions, and the mean of those that the jackknife claims."""
    reference = statistics.deal(np.random.default_rng(9).standard_normal([400, 6]), 1)
    found = []
    for seed in range(draws):
        draw = np.random.default_rng([1, seed])
        reals = reference if fixed else statistics.deal(draw.standard_normal([400, 6]))
        fakes = statistics.deal(1.3 * draw.standard_normal([400, 6]) + 0.2)
        found.append(frechet_distance.estimate(reals, fakes))
    return np.std([x.value for x in found]), np.mean([x.deviation for x in found])


@pytest.mark.parametrize("fixed", [True, False])
def test_the_deviation_is_the_one_between_repetitions(fixed):
    # 100 repetitions know their own deviation to 7 %.
    between, claimed = repeated(100, fixed)
    assert claimed == pytest.approx(between, rel=0.3)


def test_one_part_has_no_deviation():
    parts = statistics.deal(white(100, 4), 1)
    assert frechet_distance.estimate(parts, parts).deviation is None


def test_parts_that_do_not_match_are_refused():
    with pytest.raises(UserError, match="3 parts of reals, 2 of fakes"):
        array = white(100, 4)
        frechet_distance.estimate(statistics.deal(array, 3), statistics.deal(array, 2))


@pytest.mark.parametrize("count, words", [(8, "singular"), (79, "give 80 samples"), (80, "")])
def test_too_few_samples_are_warned_about(count, words):
    many, few = statistics.deal(white(500, 8), 1), statistics.deal(uneven(count, 8, 0.0, 1), 1)
    warning = frechet_distance.estimate(many, few).warning
    assert words in warning and bool(words) == bool(warning)
