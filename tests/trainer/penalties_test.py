"""The discriminator's penalties: what they are of, and the two ways in which they are applied."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import draws, penalties, state, steps, terms
from dualcontrast.trainer.config import schema
from tests.trainer.square import Square

IMAGES = np.random.default_rng(0).integers(0, 256, [8, 8, 8, 3]).astype(np.uint8)


class Ramp(networks.Generator):
    """Images that hold the first latent everywhere."""

    latent_size = 2

    def call(self, z):
        return tf.ones([z.shape[0], 2, 2, 1]) * z[:, :1, None, None]


@pytest.fixture(name="part")
def _part() -> terms.Part:
    """Four reals of 2x2 pixels."""
    reals = tf.reshape(tf.range(16, dtype=tf.float32), [4, 2, 2, 1])
    drawn = draws.Draws(0, 0, draws.Purpose.GRADIENT_PENALTY, 4)
    return terms.Part(Ramp(), Square(), networks.Batch(reals), None, drawn)


def test_r1_is_the_slope_at_reals_and_r2_that_at_fakes(part):
    (at_reals,) = penalties.R1(1.0, None).outputs(part)
    (at_fakes,) = penalties.R2(1.0, None).outputs(part)
    # The slope is the image: 0 + 1 + 4 + 9 for the first real, 4 z^2 for a fake.
    np.testing.assert_allclose(at_reals, [14, 126, 366, 734], rtol=1e-6)
    z = part.draws.latents(2)[:, 0]
    np.testing.assert_allclose(at_fakes, 4 * z**2, rtol=1e-5)


def test_the_gradient_penalty_is_zero_where_the_slope_is_one(part):
    unit = dataclasses.replace(
        part, reals=networks.Batch(tf.ones([4, 2, 2, 1]) / 2), generator=_Halves()
    )
    (found,) = penalties.GradientPenalty(10.0, None).outputs(unit)
    np.testing.assert_allclose(found, 0, atol=1e-6)


class _Halves(Ramp):
    def call(self, z):
        return tf.ones([z.shape[0], 2, 2, 1]) / 2


@pytest.mark.parametrize("every, rows", [(2, [True, False, True]), (None, [True, True, True])])
def test_a_penalty_is_lazy_or_a_part_of_every_update(tiny_config, every, rows):
    changes = {
        "loss": "hinge",
        "generator.path_length_weight": 0.0,
        **{f"penalties.{name}_gamma": 1.0 for name in ("r1", "r2")},
        **{f"penalties.{name}_every": every for name in ("r1", "r2")},
    }
    config = schema.replace(tiny_config, changes)
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    metrics = [trainer.iterate([(tf.constant(IMAGES), None)], 8 * i) for i in range(3)]
    assert [{"r1", "r2"} <= set(row) for row in metrics] == rows
    lazy = sum(rows) if every else 0
    assert int(built.discriminator_optimizer.iterations.numpy()) == 3 + lazy
    # Lazy regularisation corrects Adam's constants; a part of every update needs no correction.
    expected = 0.002 * 2 / 3 if every else 0.002
    rate = keras.ops.convert_to_numpy(built.discriminator_optimizer.learning_rate)
    assert float(rate) == pytest.approx(expected)
