"""The order of an iteration, its batches, and how step sizes and the average change with time."""

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer import state, steps
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.schema import OptimizerConfig
from dualcontrast.trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [3, 8, 8, 8, 3]).astype(np.uint8)
PLAIN = {
    "loss": "hinge",
    "generator.path_length_weight": 0.0,
    "penalties.r1_gamma": 0.0,
}


@pytest.fixture(name="plain")
def _plain(tiny_config):
    """Two steps, one for each network."""
    return schema.replace(tiny_config, PLAIN)


def follow(config, monkeypatch, batches=1):
    """Runs an iteration; returns its steps in their order, and with how many images each."""
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    found = []

    def compiled(step):
        def run(reals, images_seen, references=None):
            found.append((step.network, step.repeat, int(tf.reduce_sum(reals))))
            return {}

        return run

    monkeypatch.setattr(trainer, "compiled", compiled)
    trainer.iterate([(tf.fill([8, 1], i), None) for i in range(batches)], 0)
    return found, int(built.images_seen)


@pytest.mark.parametrize("order", ["generator_first", "discriminator_first"])
def test_the_network_that_is_named_steps_first(plain, monkeypatch, order):
    found, _ = follow(schema.replace(plain, {"schedule.order": order}), monkeypatch)
    first = order.removesuffix("_first")
    assert [step[0] for step in found] == [first, *({"generator", "discriminator"} - {first})]


def test_every_step_of_the_discriminator_has_a_batch_of_its_own(plain, monkeypatch):
    changes = {"schedule.order": "discriminator_first", "schedule.discriminator_steps": 3}
    config = schema.replace(plain, changes)
    found, images_seen = follow(config, monkeypatch, batches=3)
    assert found[:3] == [("discriminator", 0, 0), ("discriminator", 1, 8), ("discriminator", 2, 16)]
    assert found[3][0] == "generator" and len(found) == 4
    assert images_seen == config.iteration_images == 24


def test_repeated_steps_of_the_discriminator_see_other_fakes(plain):
    config = schema.replace(plain, {"schedule.discriminator_steps": 2})
    trainer = steps.Steps(config, state.State(config), tf.distribute.get_strategy())
    logits = [
        float(
            trainer.compiled(steps.Step(steps.DISCRIMINATOR, "train", repeat=repeat))(
                tf.constant(IMAGES[0]), tf.constant(0, tf.int64)
            )["logits/fake"]
        )
        for repeat in (0, 1)
    ]
    assert logits[0] != logits[1]


def test_the_generator_may_make_more_images_than_the_discriminator_is_shown(plain):
    config = schema.replace(plain, {"schedule.generator_batch_size": 16})
    schema.validate(config)
    made = []
    built = state.State(config)
    images = built.generator.images
    built.generator.images = lambda inputs: made.append(inputs["z"].shape[0]) or images(inputs)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    metrics = trainer.iterate([(tf.constant(IMAGES[0]), None)], 0)
    assert set(made) == {8, 16} and np.isfinite(float(metrics["loss/G"]))


@pytest.mark.parametrize(
    "rate, images_seen, expected",
    [
        (OptimizerConfig(), 10**9, 1.0),
        (OptimizerConfig(warmup_images=100), 0, 0.0),
        (OptimizerConfig(warmup_images=100), 25, 0.25),
        (OptimizerConfig(warmup_images=100), 100, 1.0),
        (OptimizerConfig(decay_from_images=100, decay_to_images=500), 100, 1.0),
        (OptimizerConfig(decay_from_images=100, decay_to_images=500), 200, 0.75),
        (OptimizerConfig(decay_from_images=100, decay_to_images=500), 500, 0.0),
        (OptimizerConfig(decay_to_images=1000), 400, 0.6),
    ],
)
def test_a_step_size_rises_and_falls_along_lines(rate, images_seen, expected):
    assert state.rate_at(rate, images_seen) == pytest.approx(expected)


def test_each_optimizer_follows_its_own_schedule(plain):
    changes = {
        "schedule.generator.decay_to_images": 400,
        "schedule.discriminator.learning_rate": 0.0008,
    }
    config = schema.replace(plain, changes)
    built = state.State(config)
    built.set_rates(100)
    assert float(built.generator_optimizer.learning_rate.numpy()) == pytest.approx(0.0015)
    assert float(built.discriminator_optimizer.learning_rate.numpy()) == pytest.approx(0.0008)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"decay_to_images": 5, "decay_from_images": 9}, "not after decay_from_images=9"),
        ({"decay_to_images": 200}, "comes before training.total_images=256"),
    ],
)
def test_a_decay_that_cannot_be_meant_is_refused(plain, changes, named):
    paths = {f"schedule.generator.{name}": value for name, value in changes.items()}
    with pytest.raises(UserError, match=f"{named}.*try --config.schedule.generator.decay_to"):
        schema.validate(schema.replace(plain, paths))


def test_the_average_is_a_copy_until_it_starts(plain):
    changes = {"schedule.average.start_images": 100, "schedule.average.half_life_images": 8}
    config = schema.replace(plain, changes)
    built = state.State(config)
    trainer = steps.Steps(config, built, tf.distribute.get_strategy())
    kernel, averaged = (
        network.synthesis.layers[0].convolution.kernel
        for network in (built.generator, built.average)
    )
    first = kernel.numpy()
    kernel.assign(first + 1)
    trainer.average(92)
    np.testing.assert_array_equal(averaged.numpy(), first + 1)
    kernel.assign(first + 3)
    trainer.average(108)
    np.testing.assert_allclose(averaged.numpy(), first + 2, atol=1e-6)
