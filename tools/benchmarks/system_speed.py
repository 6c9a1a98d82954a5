"""How fast each system trains, and as a fraction of the convolutions that it needs."""

from typing import Any

import tensorflow as tf

from dualcontrast.tools.benchmarks import (
    convolution_operations,
    graph_convolutions,
    peak_memory,
    training_iteration,
)
from dualcontrast.tools.benchmarks.convolutions import Calls
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.trainer import devices, state
from dualcontrast.trainer.config import config_flags, schema

PUBLISHED_SIDE, NARROW_SIDE = 64, 32
LEAST_FRACTION = 0.80
_BATCH = {PUBLISHED_SIDE: 8, NARROW_SIDE: 16}


def _both(changes: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{network}.{field}": value
        for network in ("generator", "discriminator")
        for field, value in changes.items()
    }


_SNGAN_S = {**_both({"width": 64}), "generator.latent_size": 128}
_SAGAN_S = {**_SNGAN_S, **_both({"attention_resolution": 32})}
_STYLE_S = {
    **_both({"fmap_base": 8192, "fmap_max": 512}),
    "generator.latent_size": 512,
    "generator.w_size": 512,
    "generator.mapping_layers": 8,
}
# What the published networks have in place of the widths of configs/systems.py.
PUBLISHED = {
    "sngan": _SNGAN_S,
    "sagan": _SAGAN_S,
    "stylegan": _STYLE_S,
    "stylegan2": _STYLE_S,
    "biggan": _SAGAN_S,
    "unetgan": {**_SNGAN_S, "generator.attention_resolution": 32},
    "r3gan": {**_both({"fmap_base": 12288, "fmap_max": 768}), "generator.latent_size": 64},
}


def config(system: str, side: int) -> schema.Config:
    """Returns a system's configuration.

    Args:
      system: of `PUBLISHED`.
      side: of the images; at 64 the networks are as wide as published, at 32 as narrow as in
        configs/systems.py.
    """
    changes = {**(PUBLISHED[system] if side == PUBLISHED_SIDE else {})}
    changes["training.batch_size"] = _BATCH[side]
    return schema.resolve(schema.replace(config_flags.load(f"systems:{system}"), changes), side, 3)


def measure(system: str, side: int, rounds: int) -> int:
    """Prints a system's figures; returns 1 when the target is missed.

    There is one for networks as wide as published: narrow ones spend their time between the
    convolutions.

    Args:
      system, side: see `config`.
      rounds: clean samples of each figure.
    """
    chosen, strategy = config(system, side), devices.make_strategy()
    with strategy.scope():
        run = state.State(chosen)
    needed = graph_convolutions.steps(chosen, run.generator, run.discriminator)
    needed["average"] = Calls()
    sample = {(name,): training_iteration.stepper(chosen, run, strategy, name) for name in needed}
    for step in sample.values():
        step()
    memory = peak_memory.gigabytes()
    calls = {
        call: convolution_operations.operation(call, tf.float32)
        for counts in needed.values()
        for call in counts
    }
    seconds = QuietClock(rounds).medians({**sample, **calls})
    if seconds is None:
        print(f"{system} {side}x{side}: not measured, the machine was busy")
        return 1
    shares = {name: 1.0 for name in needed}
    if "R1" in shares:
        shares["R1"] = 1 / chosen.penalties.r1_every
    took = sum(seconds[(name,)] * share for name, share in shares.items())
    floor = sum(
        seconds[call] * times * shares[name]
        for name, counts in needed.items()
        for call, times in counts.items()
    )
    speed = chosen.training.batch_size / took
    return report(f"{system} {side}x{side}", floor / took, speed, memory, side)


def report(title: str, fraction: float, speed: float, memory: float, side: int) -> int:
    """Prints a line; returns 1 when there is a target and it is missed.

    Args:
      title: of the line.
      fraction: of the iteration's time that its convolutions take alone.
      speed: images a second.
      memory: gigabytes at most.
      side: see `config`.
    """
    target, missed = "", False
    if side == PUBLISHED_SIDE:
        missed = fraction < LEAST_FRACTION
        target = f" (target {LEAST_FRACTION}) {'MISSED' if missed else 'ok'}"
    print(
        f"{title}: {speed:.2f} images/s in training, {memory:.2f} GB,"
        f" {fraction:.2f} of the floor{target}",
        flush=True,
    )
    return int(missed)
