"""What augmentations cost: an iteration of training with one against one without.

Config E at batch 8, or SNDCGAN at batch 64 for images of 32x32, both in float32: all of
DiffAugment, and ADA's pixel blitting, geometry and colour with probability 1/2.
"""

from typing import Any

from dualcontrast.tools.benchmarks import attention_cost, training_iteration
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.tools.benchmarks.training_iteration import SHARES
from dualcontrast.trainer import devices, state
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import sngan

# By name: what is changed, how often as long an iteration may take.
KINDS: dict[str, tuple[dict[str, Any], float]] = {
    "diffaugment": ({"augmentation": "diffaugment"}, 1.05),
    "ada": (
        {
            "augmentation": "ada",
            "augmentation.groups": "bgc",
            "augmentation.probability": 0.5,
        },
        1.15,
    ),
}
_SNDCGAN_RESOLUTION = 32
_SNDCGAN = {
    "generator.architecture": "dcgan",
    "discriminator.architecture": "dcgan",
    "loss": "non_saturating",
    "penalties.r1_gamma": 0.0,
    "training.batch_size": 64,
}
_SNDCGAN_SHARES = {"G": 1.0, "D": 1.0}


def measure(resolution: int, rounds: int) -> int:
    """Prints the ratios at one resolution; returns 1 when a target is missed.

    Args:
      resolution: side of the images.
      rounds: clean samples of each step.
    """
    shares = _SNDCGAN_SHARES if resolution == _SNDCGAN_RESOLUTION else SHARES
    strategy, sample = devices.make_strategy(), {}
    for name, (changes, _) in {"plain": ({}, 1.0), **KINDS}.items():
        config = configuration(resolution, changes)
        with strategy.scope():
            run = state.State(config)
        for step in shares:
            sample[name, step] = training_iteration.stepper(config, run, strategy, step)
    seconds = QuietClock(rounds).medians(sample)
    missed = 0
    for kind, (_, most) in KINDS.items():
        title = f"{resolution}x{resolution}, {kind}"
        if seconds is None:
            print(f"{title}: not measured, the machine was busy")
            missed = 1
        else:
            missed |= attention_cost.report(title, seconds, kind, most, shares)
    return missed


def configuration(resolution: int, changes: dict[str, Any]) -> schema.Config:
    """Returns what is trained at a resolution, with changes by path."""
    if resolution != _SNDCGAN_RESOLUTION:
        return training_iteration.config(resolution, "float32", changes)
    base = schema.Config(generator=sngan.Generator(), discriminator=sngan.Discriminator())
    return schema.resolve(schema.replace(base, _SNDCGAN | changes), resolution, 3)
