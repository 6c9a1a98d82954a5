"""ContraD's losses against numbers from elsewhere, and a program with loops."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.losses import contrad


def rows(seed: float, count: int = 4, size: int = 3) -> np.ndarray:
    """Row i has sin(0.7 (i size + k) + seed) at place k, over its length."""
    x = np.sin(0.7 * np.arange(count * size).reshape(count, size) + seed)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def test_the_losses_of_four_images():
    # From the published program, at temperature 0.1.
    assert float(contrad.nt_xent(rows(0), rows(1), 0.1)) == pytest.approx(2.7276212050, abs=2e-6)
    reals = np.concatenate([rows(2), rows(3)])
    found = float(contrad.fake_contrast(reals, rows(4), 0.1))
    assert found == pytest.approx(13.5286639793, abs=1e-5)


def likelihood(found: int, anchor: int, everything: np.ndarray, temperature: float) -> float:
    """The logarithm of the share that one image has of all likenesses to the anchor."""
    x = everything.astype(np.float64)
    x /= np.sqrt((x**2).sum(1, keepdims=True))
    shares = [np.exp(x[anchor] @ x[j] / temperature) for j in range(len(x)) if j != anchor]
    return np.log(np.exp(x[anchor] @ x[found] / temperature) / sum(shares))


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_projections_of_any_length_are_compared_by_direction(temperature):
    one, two, fakes = np.random.default_rng(0).normal(size=[3, 5, 7]).astype(np.float32)
    views = np.concatenate([one, two])
    expected = -np.mean([likelihood((i + 5) % 10, i, views, temperature) for i in range(10)])
    assert float(contrad.nt_xent(one, two, temperature)) == pytest.approx(expected, rel=1e-5)
    everything = np.concatenate([views, fakes])
    of_fakes = [
        likelihood(j, i, everything, temperature)
        for i in range(10, 15)
        for j in range(10, 15)
        if i != j
    ]
    found = float(contrad.fake_contrast(views, fakes, temperature))
    assert found == pytest.approx(-np.mean(of_fakes), rel=1e-5)


def test_reals_and_fakes_are_both_taught_by_the_contrast_of_fakes():
    reals, fakes = tf.constant(rows(0, 6)), tf.constant(rows(5))
    with tf.GradientTape() as tape:
        tape.watch([reals, fakes])
        value = contrad.fake_contrast(reals, fakes, 0.1)
    assert all(np.all(np.any(x, axis=1)) for x in tape.gradient(value, [reals, fakes]))
