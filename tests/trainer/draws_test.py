"""Draws are functions of seed, images seen and purpose, and replicas share one global batch."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import draws


def latents(seed=0, seen=0, purpose=draws.Purpose.GENERATOR):
    return draws.Draws(seed, seen, purpose, 8).latents(4).numpy()


def test_the_same_step_draws_the_same_numbers():
    np.testing.assert_array_equal(latents(seen=64), latents(seen=64))
    in_graph = tf.function(lambda seen: draws.Draws(0, seen, draws.Purpose.GENERATOR, 8).latents(4))
    np.testing.assert_array_equal(in_graph(tf.constant(64, tf.int64)), latents(seen=64))


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"seen": 8}, {"seen": 2**33}, {"purpose": draws.Purpose.DISCRIMINATOR}]
)
def test_another_seed_step_or_purpose_draws_other_numbers(other):
    assert np.abs(latents() - latents(**other)).min() > 0


def test_the_parts_of_one_step_are_unrelated():
    draw = draws.Draws(0, 0, draws.Purpose.GENERATOR, 512)
    parts = [draw.latents(64), draw.mixed_latents(64), tf.reshape(draw.noise([8])[0], [512, 64])]
    parts.append(tf.reshape(draw.directions(8, 1), [512, 64]))
    correlations = np.corrcoef([part.numpy().ravel() for part in parts])
    assert np.abs(correlations - np.eye(len(parts))).max() < 0.03


def test_replicas_take_strided_samples():
    batch = tf.range(8)
    assert draws.share(batch, 1, 2).numpy().tolist() == [1, 3, 5, 7]
    assert draws.share(batch, tf.constant(3), 4).numpy().tolist() == [3, 7]


def test_strided_samples_keep_the_groups_of_the_minibatch_deviation():
    # Of 16 samples in groups of 4, sample n is in group n mod 4; two replicas of 8 have the same.
    whole = {frozenset(range(group, 16, 4)) for group in range(4)}
    split = set()
    for replica in range(2):
        mine = draws.share(tf.range(16), replica, 2).numpy()
        split |= {frozenset(mine[group::2].tolist()) for group in range(2)}
    assert split == whole


def test_mixing_cutoffs_are_uniform_below_the_last_layer():
    cutoffs = draws.Draws(0, 0, draws.Purpose.GENERATOR, 20_000).mixing_cutoffs(8, 0.9).numpy()
    counts = np.bincount(cutoffs, minlength=9)
    assert counts[0] == 0 and counts.size == 9
    # Standard deviation of a count of 20,000 draws with p = 0.9 / 7 is 47.
    np.testing.assert_allclose(counts[1:8], 20_000 * 0.9 / 7, atol=5 * 47)
    np.testing.assert_allclose(counts[8], 2000, atol=5 * 42)


def test_probability_zero_mixes_nothing():
    cutoffs = draws.Draws(0, 0, draws.Purpose.GENERATOR, 100).mixing_cutoffs(8, 0.0).numpy()
    assert (cutoffs == 8).all()


def test_labels_are_uniform_or_as_often_as_in_the_data():
    def counts(of_data):
        draw = draws.Draws(0, 0, draws.Purpose.GENERATOR, 20_000, class_counts=of_data)
        return np.bincount(draw.labels(4), minlength=4)

    # Standard deviations of counts are 61 for p = 1/4, and 35 to 66 below.
    np.testing.assert_allclose(counts(None), 5000, atol=5 * 61)
    np.testing.assert_allclose(counts((1, 0, 3, 6)), [2000, 0, 6000, 12_000], atol=5 * 69)


def test_labels_are_those_of_the_step_whatever_shares_it():
    draw = draws.Draws(3, 8, draws.Purpose.DISCRIMINATOR, 8)
    shared = [draw.share(replica, 2).labels(5).numpy() for replica in range(2)]
    np.testing.assert_array_equal(np.stack(shared, 1).ravel(), draw.labels(5))
    assert not np.array_equal(
        draw.labels(5), draws.Draws(3, 16, draws.Purpose.DISCRIMINATOR, 8).labels(5)
    )
