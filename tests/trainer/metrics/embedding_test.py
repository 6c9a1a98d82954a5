import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import embedding


def clouds(size: int = 60, apart: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    reals, fakes = draw.standard_normal([40, size]), draw.standard_normal([30, size])
    return reals.astype(np.float32), (fakes + apart).astype(np.float32)


@pytest.fixture(scope="module", name="panel")
def _panel() -> embedding.Panel:
    return embedding.embed("ours", *clouds(), perplexity=10)


def test_clouds_that_are_apart_stay_apart(panel):
    assert panel.reals.shape == (40, 2) and panel.fakes.shape == (30, 2)
    between = np.linalg.norm(panel.reals.mean(axis=0) - panel.fakes.mean(axis=0))
    assert between > 2 * max(panel.reals.std(axis=0).max(), panel.fakes.std(axis=0).max())


def test_the_seed_decides_the_picture(panel):
    again = embedding.embed("ours", *clouds(), perplexity=10)
    np.testing.assert_allclose(again.reals, panel.reals, rtol=1e-3, atol=1e-3)


def test_features_fewer_than_the_components_are_taken_as_they_are():
    assert embedding.embed("", *clouds(size=2), perplexity=5).reals.shape == (40, 2)


def test_a_panel_for_each_network(panel):
    found = embedding.picture([panel, embedding.Panel("other", panel.fakes, panel.reals)], 200)
    assert found.shape == (200, 400, 3) and found.dtype == np.uint8
    area = found[24:176]
    blue, orange = ((area == color).all(axis=-1) for color in ((0, 114, 178), (213, 94, 0)))
    for left in (0, 200):
        half = slice(left, left + 200)
        assert blue[:, half].sum() > 30 and orange[:, half].sum() > 30
    # The second panel has the colours of the first one exchanged.
    assert (blue[:, :200] & orange[:, 200:]).sum() > 30


def test_every_sample_is_a_dot():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.float32)
    found = embedding.picture([embedding.Panel("", points[:2], points[2:])], 100)
    assert [tuple(found[y, x]) for x, y in ((24, 24), (76, 24))] == [(0, 114, 178)] * 2
    assert [tuple(found[y, x]) for x, y in ((24, 76), (76, 76))] == [(213, 94, 0)] * 2


def test_too_few_samples_for_the_perplexity_are_refused():
    with pytest.raises(UserError, match="perplexity 30.0 for 70 samples"):
        embedding.embed("", *clouds())
    with pytest.raises(UserError, match="no panel"):
        embedding.picture([])
