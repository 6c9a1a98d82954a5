"""The steps of one training iteration of config E, for the benchmarks to time."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import config as configs
from dualcontrast.trainer import game, steps

BATCH = 8
# How often a step runs in one iteration; the average of the weights has no convolutions.
SHARES = {"G": 1.0, "path_length": 1 / 4, "average": 1.0, "D": 1.0, "R1": 1 / 16}


def config(resolution: int, precision: str) -> configs.Config:
    """Returns config E for this resolution, to be trained without the dual contrastive loss."""
    changes = {
        "loss.adversarial": "non_saturating",
        "training.batch_size": BATCH,
        "training.precision": precision,
    }
    return configs.resolve(configs.replace(configs.Config(), changes), resolution, 3)


def stepper(config, run, strategy, name: str) -> Callable[[], None]:
    """Returns one step of an iteration, by its name in `SHARES`, on fixed images."""
    trainer = steps.Steps(config, run, strategy)
    if name == "average":
        return lambda: trainer.average()  # tf.function alone would not keep the trainer
    side = config.data.resolution
    pixels = np.random.default_rng(0).integers(0, 256, [BATCH, side, side, 3])
    reals = strategy.experimental_distribute_values_from_function(
        lambda _: tf.constant(pixels, tf.uint8)
    )
    step = trainer.compiled(name, game.game_at(config.loss, 0))

    def call():
        for value in step(reals, tf.constant(0, tf.int64)).values():
            value.numpy()

    return call
