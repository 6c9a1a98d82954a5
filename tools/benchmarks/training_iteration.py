"""The steps of one training iteration of config E, for the benchmarks to time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import objective, steps
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import stylegan2

BATCH = 8
# How often a step runs in one iteration; the average of the weights has no convolutions.
SHARES = {"G": 1.0, "path_length": 1 / 4, "average": 1.0, "D": 1.0, "R1": 1 / 16}


def config(resolution: int, precision: str, changes: dict[str, Any] | None = None) -> schema.Config:
    """Returns config E for this resolution, to be trained without the dual contrastive loss.

    Args:
      resolution: of the images.
      precision: as in the configuration.
      changes: of other fields, by path.
    """
    chosen = {
        "loss": "non_saturating",
        "training.batch_size": BATCH,
        "training.precision": precision,
    }
    chosen |= changes or {}
    return schema.resolve(schema.replace(schema.Config(), chosen), resolution, 3)


def stepper(config, run, strategy, name: str) -> Callable[[], None]:
    """Returns one step of an iteration, by its name in `SHARES`, on fixed images."""
    trainer = steps.Steps(config, run, strategy)
    if name == "average":
        return lambda: trainer.average(0)
    reals = _images(strategy, config, seed=0)
    references = None
    if config.discriminator.reads_references:
        references = _images(strategy, config, seed=1)
    step = trainer.compiled(steps_of(config)[name])

    def call():
        for value in step(reals, tf.constant(0, tf.int64), references).values():
            value.numpy()

    return call


def steps_of(config: schema.Config) -> dict[str, steps.Step]:
    """Returns the steps at the start of training, by their name in `SHARES`."""
    phase, g = objective.phase_at(config.loss, 0), config.generator
    found = {
        "G": steps.Step(steps.GENERATOR, phase),
        "D": steps.Step(steps.DISCRIMINATOR, phase),
        "R1": steps.Step(steps.DISCRIMINATOR, None, config.penalties.r1_every),
    }
    if isinstance(g, stylegan2.Generator):
        found["path_length"] = steps.Step(steps.GENERATOR, None, g.path_length_every)
    return found


def _images(strategy, config, seed: int):
    shape = [config.training.batch_size, config.data.resolution, config.data.resolution, 3]
    pixels = np.random.default_rng(seed).integers(0, 256, shape)
    return strategy.experimental_distribute_values_from_function(
        lambda _: tf.constant(pixels, tf.uint8)
    )
