"""The dual contrastive loss: golden values, closed-form gradients, limits."""

import math

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.losses import dual_contrastive

# Reals, fakes, the discriminator's loss, its gradients.
GOLDEN = [
    ([1, 2], [0, -1], 0.577451984, [-0.346841357, -0.144122952], [0.346841357, 0.144122952]),
    (
        [3, 1, -0.5, 2],
        [-1, 0.5, -2, 1.5],
        2.353431391,
        [-0.075460869, -0.276293786, -0.672565999, -0.154671449],
        [0.144413894, 0.341829093, 0.069361663, 0.623387453],
    ),
    (
        [0.5, -1, 2, 0.25],
        [0.1, 0.3, -0.7, 1.5],
        3.7859558095,
        [-0.3227776348, -0.7677753163, -0.1517386182, -0.3648988470],
        [0.3221964079, 0.3547033655, 0.2216848618, 0.7086057811],
    ),
]
REALS, FAKES = GOLDEN[2][:2]
SWAPPED = 4.2397129109
SWAPPED_GRADIENT = [-0.4160657733, -0.3771121069, -0.6606210489, -0.2228767263]
both_generators = pytest.mark.parametrize(
    "generator_loss",
    [dual_contrastive.minimax_generator_loss, dual_contrastive.swapped_generator_loss],
)


def _gradients(loss, reals, fakes):
    """Returns the loss and its gradients in the reals (None where none flows) and the fakes."""
    reals, fakes = tf.constant(reals, tf.float32), tf.constant(fakes, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([reals, fakes])
        value = loss(reals, fakes)
    return value, *tape.gradient(value, [reals, fakes])


def _logits(reals: int, fakes: int, seed: int = 0):
    draw = np.random.default_rng(seed)
    return 2 * draw.standard_normal(reals), 2 * draw.standard_normal(fakes)


def _softmax(x):
    return np.exp(x) / np.sum(np.exp(x))


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("reals, fakes, value, of_reals, of_fakes", GOLDEN)
def test_golden_values_and_gradients(reals, fakes, value, of_reals, of_fakes):
    found = _gradients(dual_contrastive.discriminator_loss, reals, fakes)
    np.testing.assert_allclose(found[0], value, rtol=1e-6)
    np.testing.assert_allclose(found[1], of_reals, atol=1e-6)
    np.testing.assert_allclose(found[2], of_fakes, atol=1e-6)


@pytest.mark.parametrize(
    "reals, fakes, value",
    [
        # The two terms, L_R + L_F, of three reals and two fakes.
        ([0.5, -1, 2], [0.1, 0.3], 1.0788467521 + 1.6544646466),
        ([0.7], [-0.4], 0.5746706502),
        ([-60, -80], [70, 90], 320.000000004),
        ([1e4, -1e4], [-1e4, 1e4], 20000.6931471806),
        ([0.0] * 4, [0.0] * 4, 3.218875825),
        ([0.0] * 32, [0.0] * 32, 6.993015123),
    ],
)
def test_golden_values(reals, fakes, value):
    found, of_reals, of_fakes = _gradients(dual_contrastive.discriminator_loss, reals, fakes)
    np.testing.assert_allclose(found, value, rtol=1e-6)
    assert np.all(np.isfinite(of_reals)) and np.all(np.isfinite(of_fakes))


@pytest.mark.parametrize("reals, fakes", [(4, 4), (3, 5), (8, 2), (1, 6), (16, 16)])
def test_gradients_match_the_closed_form(reals, fakes):
    r, f = _logits(reals, fakes)
    of_all_fakes, of_all_reals = np.log(np.sum(np.exp(f))), np.log(np.sum(np.exp(-r)))
    missed_real, missed_fake = _sigmoid(of_all_fakes - r), _sigmoid(f + of_all_reals)
    expected_r = -missed_real / reals - _softmax(-r) * np.mean(missed_fake)
    expected_f = missed_fake / fakes + _softmax(f) * np.mean(missed_real)
    _, of_reals, of_fakes = _gradients(dual_contrastive.discriminator_loss, r, f)
    np.testing.assert_allclose(of_reals, expected_r, atol=1e-6)
    np.testing.assert_allclose(of_fakes, expected_f, atol=1e-6)


@pytest.mark.parametrize("reals, fakes", [(4, 4), (3, 5), (6, 2)])
def test_it_is_the_cross_entropy_of_one_against_all(reals, fakes):
    # Rows of N + 1 logits whose first is right: a real among all fakes, and negated the dual.
    r, f = _logits(reals, fakes)
    real_rows = np.concatenate([r[:, None], np.tile(f, (reals, 1))], axis=1)
    fake_rows = np.concatenate([-f[:, None], np.tile(-r, (fakes, 1))], axis=1)
    rows = [
        np.mean(tf.nn.sparse_softmax_cross_entropy_with_logits(np.zeros(len(x), np.int32), x))
        for x in (real_rows, fake_rows)
    ]
    np.testing.assert_allclose(dual_contrastive.discriminator_loss(r, f), sum(rows), rtol=1e-6)


@pytest.mark.parametrize("count", [1, 4, 32])
def test_equal_logits_have_the_value_and_gradients_of_pure_chance(count):
    zeros = np.zeros(count)
    value, of_reals, of_fakes = _gradients(dual_contrastive.discriminator_loss, zeros, zeros)
    np.testing.assert_allclose(value, 2 * math.log(1 + count), rtol=1e-6)
    np.testing.assert_allclose(of_reals, -2 / (count + 1) * np.ones(count), rtol=1e-5)
    np.testing.assert_allclose(of_fakes, 2 / (count + 1) * np.ones(count), rtol=1e-5)


def test_one_of_each_is_twice_the_relativistic_logistic_loss():
    r, f = _logits(1, 1)
    expected = 2 * np.log1p(np.exp(f - r))
    np.testing.assert_allclose(dual_contrastive.discriminator_loss(r, f), expected[0], rtol=1e-6)


@pytest.mark.parametrize("shift", [-30.0, 7.5, 100.0])
@pytest.mark.parametrize(
    "loss",
    [
        dual_contrastive.discriminator_loss,
        dual_contrastive.minimax_generator_loss,
        dual_contrastive.swapped_generator_loss,
    ],
)
def test_a_shift_of_all_logits_changes_nothing(loss, shift):
    r, f = _logits(4, 6)
    np.testing.assert_allclose(loss(r + shift, f + shift), loss(r, f), rtol=2e-5)


def test_the_gradients_sum_to_zero():
    # So the bias of the discriminator's last layer never moves.
    _, of_reals, of_fakes = _gradients(dual_contrastive.discriminator_loss, *_logits(5, 3))
    assert np.sum(of_reals) < -0.1
    assert np.sum(of_reals) + np.sum(of_fakes) == pytest.approx(0, abs=1e-6)


def test_order_means_nothing_and_roles_mean_something():
    r, f = _logits(4, 4)
    value = dual_contrastive.discriminator_loss(r, f)
    reordered = dual_contrastive.discriminator_loss(r[::-1], f[::-1])
    np.testing.assert_allclose(reordered, value, rtol=1e-6)
    assert abs(dual_contrastive.discriminator_loss(f, r) - value) > 0.1


def test_minimax_is_the_discriminators_loss_negated():
    value, of_reals, of_fakes = _gradients(dual_contrastive.minimax_generator_loss, REALS, FAKES)
    np.testing.assert_allclose(value, -GOLDEN[2][2], rtol=1e-6)
    np.testing.assert_allclose(of_fakes, np.negative(GOLDEN[2][4]), atol=1e-6)
    assert of_reals is None or not np.any(of_reals)


def test_swapped_exchanges_the_roles():
    value, of_reals, of_fakes = _gradients(dual_contrastive.swapped_generator_loss, REALS, FAKES)
    np.testing.assert_allclose(value, SWAPPED, rtol=1e-6)
    np.testing.assert_allclose(of_fakes, SWAPPED_GRADIENT, atol=1e-6)
    assert of_reals is None or not np.any(of_reals)


@pytest.mark.parametrize(
    "count, gap, total",
    [(4, 0, 1.6), (4, 2, 0.702), (4, 8, 0.0027), (32, 4, 0.739), (32, 8, 0.021)],
)
def test_minimax_saturates_once_the_gap_exceeds_the_logarithm_of_the_count(count, gap, total):
    reals, fakes = np.full(count, gap), np.zeros(count)
    _, _, of_fakes = _gradients(dual_contrastive.minimax_generator_loss, reals, fakes)
    np.testing.assert_allclose(count * of_fakes, -total * np.ones(count), rtol=0.03)


@both_generators
def test_every_fake_is_pulled_up(generator_loss):
    _, _, of_fakes = _gradients(generator_loss, *_logits(6, 5))
    assert np.all(of_fakes < 0)


@both_generators
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_the_generators_stay_finite_far_out(generator_loss, size):
    value, _, of_fakes = _gradients(generator_loss, [size, -size], [-size, size])
    assert np.isfinite(value) and np.all(np.isfinite(of_fakes))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64])
def test_logits_of_any_type_are_computed_in_float32(dtype):
    # 300 exponentials of 11 overflow float16, and bfloat16 would round the result.
    r, f = tf.constant([11.0] * 300), tf.constant([11.0, 10.5] * 150)
    half = dual_contrastive.discriminator_loss(tf.cast(r, dtype), tf.cast(f, dtype))
    assert half.dtype == tf.float32
    np.testing.assert_allclose(half, dual_contrastive.discriminator_loss(r, f), rtol=1e-6)


def test_the_loss_depends_on_the_size_of_the_group():
    # Two shards of two have another mean than the batch of four: what contrast_scope chooses.
    halves = ((REALS[:2], FAKES[:2]), (REALS[2:], FAKES[2:]))
    parts = [dual_contrastive.discriminator_loss(tf.constant(r), tf.constant(f)) for r, f in halves]
    np.testing.assert_allclose(np.mean(parts), 2.5742180786, rtol=1e-6)


def test_pairs_are_batches_of_one_averaged():
    alone = [
        dual_contrastive.discriminator_loss(tf.constant([r]), tf.constant([f]))
        for r, f in zip(REALS, FAKES)
    ]
    pairs = tf.constant(REALS), tf.constant(FAKES)
    np.testing.assert_allclose(dual_contrastive.pair_loss(*pairs), np.mean(alone), rtol=1e-6)
    swapped = dual_contrastive.swapped_generator_loss(*pairs, contrast=dual_contrastive.pair_loss)
    np.testing.assert_allclose(swapped, dual_contrastive.pair_loss(*pairs[::-1]), rtol=1e-6)


def test_pairs_have_the_golden_value():
    # 2 mean log(1 + e^(f - r)) of gaps -0.4, 1.3, -2.7, 1.25, by hand.
    gaps = np.array([-0.4, 1.3, -2.7, 1.25])
    expected = 2 * np.mean(np.log1p(np.exp(gaps)))
    found = dual_contrastive.pair_loss(tf.constant(REALS), tf.constant(FAKES))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
