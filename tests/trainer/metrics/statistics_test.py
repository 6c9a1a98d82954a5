import pickle

import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import statistics
from dualcontrast.trainer.metrics.statistics import Statistics


def sample(count: int = 1500, size: int = 24, offset: float = 0.0, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return draw.standard_normal([count, size]) @ draw.standard_normal([size, size]) + offset


def gathered(array: np.ndarray, batch: int) -> Statistics:
    found = Statistics(array.shape[1])
    for first in range(0, len(array), batch):
        found.add(array[first : first + batch])
    return found


def assert_same(a: Statistics, b: Statistics, tolerance: float):
    assert a.count == b.count
    scale = abs(b.covariance()).max()
    np.testing.assert_allclose(a.mean, b.mean, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(a.covariance(), b.covariance(), rtol=0, atol=tolerance * scale)


def test_mean_and_covariance_are_those_of_numpy():
    array = sample()
    found = gathered(array, 100)
    assert found.count == 1500
    np.testing.assert_allclose(found.mean, array.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.covariance(), np.cov(array, rowvar=False), rtol=1e-10)


def test_the_population_covariance_would_be_noticed():
    array = sample()
    wrong = np.cov(array, rowvar=False, ddof=0)
    assert abs(gathered(array, 100).covariance() / wrong - 1).max() > 1e-7


@pytest.mark.parametrize("batch", [1, 7, 511, 512, 513, 1500])
def test_the_batch_size_does_not_matter(batch):
    array = sample(size=8)
    assert_same(gathered(array, batch), gathered(array, 64), 1e-14)


def test_reading_in_between_changes_nothing():
    array = sample()
    found = Statistics(24)
    for first in range(0, 1500, 100):
        found.add(array[first : first + 100])
        found.mean
    assert_same(found, gathered(array, 1500), 1e-12)


def test_shards_merge_to_the_whole_and_stay_as_they_were():
    array = sample()
    shards = [gathered(array[part], 64) for part in (slice(0, 5), slice(5, 900), slice(900, 1500))]
    before = [shard.covariance() for shard in shards]
    shards.append(Statistics(24))  # a replica that saw nothing
    assert_same(statistics.merged(shards), gathered(array, 1500), 1e-12)
    for shard, covariance in zip(shards, before):
        np.testing.assert_array_equal(shard.covariance(), covariance)


def test_merging_into_what_is_half_filled_counts_every_sample():
    array = sample()
    found = gathered(array[:700], 100)
    found.merge(gathered(array[700:], 100))
    assert_same(found, gathered(array, 1500), 1e-12)


def test_features_far_from_zero_keep_their_digits():
    array = sample(offset=1e7)
    near = gathered(sample(), 100).covariance()
    far = gathered(array, 100).covariance()
    np.testing.assert_allclose(far, near, atol=1e-7 * abs(near).max(), rtol=0)
    sums = (array.T @ array - 1500 * np.outer(array.mean(0), array.mean(0))) / 1499
    assert abs(sums - near).max() > 1e-3 * abs(near).max()  # the formula that loses them


def test_float32_features_are_summed_in_float64():
    array = sample(count=5000, offset=100.0).astype(np.float32)
    exact = np.cov(array.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(gathered(array, 64).covariance(), exact, rtol=1e-9)
    halved = array.astype(np.float16).astype(np.float32)
    assert abs(gathered(halved, 64).covariance() / exact - 1).max() > 1e-4


def test_a_bad_batch_adds_nothing():
    found = gathered(sample(), 100)
    bad = sample()
    bad[-1, 0] = np.nan
    with pytest.raises(UserError, match="NaN or infinity, first in sample 1499"):
        found.add(bad)
    assert_same(found, gathered(sample(), 100), 0)


def test_another_size_is_refused():
    with pytest.raises(UserError, match="have 5 columns, expected 24"):
        Statistics(24).add(sample(size=5))
    with pytest.raises(UserError, match="5 columns merged into 24"):
        Statistics(24).merge(Statistics(5))


def test_one_sample_has_no_covariance():
    with pytest.raises(UserError, match="covariance of 1 samples: expected at least 2"):
        gathered(sample(count=1), 1).covariance()
    with pytest.raises(UserError, match="no part"):
        statistics.merged([])


def test_parts_are_disjoint_and_complete():
    array = sample()
    dealt = statistics.deal(array, 10)
    assert [part.count for part in dealt] == [150] * 10
    np.testing.assert_allclose(dealt[3].mean, array[3::10].mean(axis=0))
    assert_same(statistics.merged(dealt), gathered(array, 100), 1e-12)


def test_runs_of_rows_stay_together():
    array = sample(count=1003)
    dealt = statistics.deal(array, 5, run=4)
    rows = np.concatenate([np.arange(first, first + 4) for first in range(4, 1003, 20)])
    np.testing.assert_allclose(dealt[1].mean, array[rows].mean(axis=0))
    assert sum(part.count for part in dealt) == 1003


def test_fewer_rows_than_parts_are_refused():
    with pytest.raises(UserError, match="received 39, expected at least 40"):
        statistics.deal(sample(count=39), 10, run=4)


def test_a_saved_file_continues_where_it_was(tmp_path):
    array, path = sample(), tmp_path / "statistics.npz"
    gathered(array[:700], 100).save(path)
    found = statistics.load(path)
    assert_same(found, gathered(array[:700], 100), 0)
    found.add(array[700:])
    assert_same(found, gathered(array, 100), 1e-12)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no file of statistics .*absent.npz"):
        statistics.load(tmp_path / "absent.npz")


def save_other(path, **fields):
    good = {"count": 3, "mean": np.zeros(2), "scatter": np.zeros(3)}
    np.savez(path, **{**good, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"scatter": np.zeros(4)},
        {"scatter": np.full(3, np.nan)},
        {"mean": np.zeros(2, np.float32)},
        {"count": -1},
        {"mean": np.array(["a", "b"])},
        {"mean": np.array([{}, {}], dtype=object)},
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, fields):
    path = tmp_path / "other.npz"
    save_other(path, **fields)
    with pytest.raises(UserError, match="other.npz holds no statistics"):
        statistics.load(path)


def test_a_damaged_file_is_refused_and_never_unpickled(tmp_path):
    path = tmp_path / "damaged.npz"
    gathered(sample(), 100).save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", pickle.dumps([1]), whole[:-30]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="holds no statistics"):
            statistics.load(path)
