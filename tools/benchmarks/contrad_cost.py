"""What ContraD costs: an iteration of training with it against three passes of the discriminator.

SNDCGAN for images of 32x32 at batch N = 64, in float32. The iteration is a step of the generator
and one of the discriminator, as they are trained: SimCLR's augmentations, two views of the reals
and the fakes through the trunk, the heads, the losses, both updates. What it is compared with has
no more than any contrast of views needs:

  G  the step of the generator for the non-saturating loss, with ContraD's two-layer head and
     without augmentation;
  D  N fakes made; then N reals, the same N reals again and the fakes through the trunk in one pass
     of 3 N images; then the derivative of a sum of all features by the trunk's variables. No
     augmentation, no heads, no loss, no update.

The ratio is the sum of both steps' medians over the sum of both floors.
"""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.tools.benchmarks import attention_cost, augmentation_cost, training_iteration
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.trainer import devices, draws, state
from dualcontrast.trainer.config import schema

RESOLUTION = 32
MOST = 1.10
_HEAD = {"discriminator.head": "mlp"}
CHANGES = _HEAD | {
    "loss": "contrad",
    "augmentation": "simclr",
    "discriminator.projection_size": 128,
}
_SHARES = {"G": 1.0, "D": 1.0}


def measure(rounds: int) -> int:
    """Prints the ratio; returns 1 when the target is missed.

    Args:
      rounds: clean samples of each step.
    """
    strategy, sample = devices.make_strategy(), {}
    config, plain = (
        augmentation_cost.configuration(RESOLUTION, changes) for changes in (CHANGES, _HEAD)
    )
    with strategy.scope():
        run, plain_run = state.State(config), state.State(plain)
    for step in _SHARES:
        sample["contrad", step] = training_iteration.stepper(config, run, strategy, step)
    sample["plain", "G"] = training_iteration.stepper(plain, plain_run, strategy, "G")
    sample["plain", "D"] = three_passes(config, run)
    seconds = QuietClock(rounds).medians(sample)
    title = f"{RESOLUTION}x{RESOLUTION}, contrad"
    if seconds is None:
        print(f"{title}: not measured, the machine was busy")
        return 1
    return attention_cost.report(
        title, seconds, "contrad", MOST, _SHARES, of="three passes of D and a step of G"
    )


def three_passes(config: schema.Config, run: state.State) -> Callable[[], None]:
    """Returns what the discriminator's step is compared with.

    Args:
      config: resolved.
      run: its networks.
    """
    batch, side = config.training.batch_size, config.data.resolution
    reals = tf.random.stateless_uniform([batch, side, side, 3], [0, 0], -1.0, 1.0)
    generator, discriminator = run.generator, run.discriminator
    variables = trunk_variables(discriminator)

    @tf.function(autograph=False)
    def passes(reals):
        drawn = draws.Draws(0, 0, draws.Purpose.DISCRIMINATOR, batch)
        fakes = generator.images(generator.draw(drawn))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            features = discriminator.features(tf.concat([reals, reals, fakes], axis=0))
            total = tf.reduce_sum(features)
        # Their sums, so that nothing is left out and little is copied.
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(total, variables)]

    def call():
        for value in passes(reals):
            value.numpy()

    return call


def trunk_variables(discriminator) -> list[tf.Variable]:
    """Returns what is trained in front of the features."""
    heads = [discriminator.logit, *discriminator.projections]
    behind = {id(variable) for head in heads for variable in head.trainable_variables}
    return [v.value for v in discriminator.trainable_variables if id(v) not in behind]
