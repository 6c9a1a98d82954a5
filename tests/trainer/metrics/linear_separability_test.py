import numpy as np
import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import linear_separability as separability


def latents(count: int = 2000, size: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal([count, size])


def test_a_perfect_prediction_leaves_nothing_unknown():
    labels = np.array([0, 1, 1, 0, 1], bool)
    assert separability.conditional_entropy(labels, labels) == (0, 0)
    assert separability.conditional_entropy(~labels, labels) == (0, 0)


def test_an_independent_prediction_leaves_the_entropy_of_the_labels():
    # A quarter of each half is True: H = ln 4 - 3/4 ln 3 nats.
    given = np.array([0, 0, 0, 0, 1, 1, 1, 1], bool)
    labels = np.array([0, 0, 0, 1, 0, 0, 0, 1], bool)
    entropy, _ = separability.conditional_entropy(given, labels)
    assert entropy == pytest.approx(np.log(4) - 0.75 * np.log(3), rel=1e-12)


def test_one_answer_always_given_leaves_the_entropy_of_the_labels():
    labels = np.array([0, 1, 1, 0], bool)
    entropy, variance = separability.conditional_entropy(np.ones(4, bool), labels)
    assert entropy == pytest.approx(np.log(2)) and variance == pytest.approx(0, abs=1e-15)


def test_a_two_by_two_table_by_hand():
    # 3 right and 1 wrong on one side, 4 right on the other: H = 1/2 (ln 4 - 3/4 ln 3) + 0.
    given = np.array([0] * 4 + [1] * 4, bool)
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1], bool)
    entropy, variance = separability.conditional_entropy(given, labels)
    surprise = np.array([np.log(4 / 3)] * 3 + [np.log(4)] + [0] * 4)
    assert entropy == pytest.approx(surprise.mean(), rel=1e-12)
    assert variance == pytest.approx(surprise.var() / 8, rel=1e-12)


def test_attributes_that_a_plane_tells_score_one():
    z = latents()
    assert separability.estimate(z, z[:, :3] - z[:, 1:4]).value == pytest.approx(1, abs=0.02)


def test_attributes_that_latents_do_not_know_score_two_each():
    z = latents()
    found = separability.estimate(z, latents(seed=1)[:, :3])
    assert found.value == pytest.approx(8, rel=0.02)
    assert found.fakes == 2000 and found.warning == ""


def test_the_score_is_two_to_the_power_of_bits():
    z, logits = latents(), latents(seed=1)
    logits[:, 0] = z[:, 0] + 0.7 * logits[:, 0]
    bits = 0.0
    for column in logits.T[:2]:
        kept = np.argsort(-abs(column))[:1000]
        sides, labels = separability.predict(z[kept], column[kept] > 0), column[kept] > 0
        for x in (0, 1):
            for y in (0, 1):
                share, of_side = np.mean((sides == x) & (labels == y)), np.mean(sides == x)
                bits -= share * np.log2(share / of_side)
    assert separability.estimate(z, logits[:, :2]).value == pytest.approx(2**bits, rel=1e-9)


def test_the_surest_half_is_kept():
    z = latents()
    logits = z[:, :1].copy()
    unsure = abs(logits[:, 0]) < np.median(abs(logits[:, 0]))
    logits[unsure] *= -1e-3  # wrong, and left out
    assert separability.estimate(z, logits).value == pytest.approx(1, abs=0.01)
    assert separability.estimate(z, logits, keep=1.0).value > 1.2


def test_the_deviation_covers_another_sample():
    values, claimed = [], []
    for seed in range(30):
        z, noise = latents(600, 2, seed), latents(600, 1, 1000 + seed)
        found = separability.estimate(z, z[:, :1] + noise, keep=1.0)
        values.append(found.value)
        claimed.append(found.deviation)
    assert np.mean(claimed) == pytest.approx(np.std(values), rel=0.4)


def test_an_attribute_that_never_varies_is_named():
    z = latents(200)
    found = separability.estimate(z, np.stack([z[:, 0], np.ones(200)], axis=1))
    assert "all look alike in 1:" in found.warning
    named = separability.estimate(z, np.ones([200, 12]), names=[f"a{i}" for i in range(12)])
    assert "alike in a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 2 more:" in named.warning
    assert "10 samples kept" in separability.estimate(z[:20], z[:20, :1]).warning


def test_what_cannot_be_learned_is_refused():
    z = latents(20)
    with pytest.raises(UserError, match="20 latents and logits of 19 images"):
        separability.estimate(z, z[1:])
    with pytest.raises(UserError, match="keep=1.5 of 20 samples"):
        separability.estimate(z, z, keep=1.5)
    with pytest.raises(UserError, match="logits hold NaN or infinity, first in sample 3"):
        separability.estimate(z, np.where(np.arange(20) == 3, np.nan, 1.0)[:, None])
