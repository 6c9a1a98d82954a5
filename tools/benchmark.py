"""Measures training and generation against the convolutions that they need.

  python -m dualcontrast.tools.benchmark --resolution=64 --measure=float32 --measure=gsan32

For config E at batch 8, the time of every convolution of an iteration is measured alone, summed
to a floor, and each figure is printed as a fraction of it, with its target; the exit code is 1 when
one falls short. Then iterations with attention and the plain one take turns: SAN in the generator
at 32x32 (gsan32), reference attention in the discriminator at 8x8 with a second batch of reals
(dref8) and without (dref8_rolled). Samples taken while other programs used the processor are thrown
away. Then iterations with DiffAugment, with ADA and the plain one take turns (augmentation), at
32x32 those of SNDCGAN, and ContraD's with three passes of its discriminator. Last, iterations with
the project's convolutions take turns with those of TensorFlow (conv2d), once with TensorFlow's
oneDNN and once without. docs/performance.md explains the figures.
"""

import os
import subprocess
import sys
from collections.abc import Callable

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

import tensorflow as tf
from absl import flags

from dualcontrast.tools.benchmarks import (
    attention_cost,
    augmentation_cost,
    contrad_cost,
    convolution_operations,
    convolution_speed,
    convolutions,
    peak_memory,
    training_iteration,
)
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.tools.benchmarks.training_iteration import BATCH, SHARES
from dualcontrast.trainer import devices, errors, state, tensorflow_start

_RESOLUTIONS = flags.DEFINE_multi_integer(
    "resolution", [64, 128], "Sides of the images; 32 is for conv2d and augmentation."
)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Clean samples of each figure.", lower_bound=1)

TYPES = {"float32": tf.float32, "mixed_bfloat16": tf.bfloat16}
LEAST_FRACTION = {"float32": 0.80, "mixed_bfloat16": 0.66}
_SPEED, _AUGMENTATION = "conv2d", "augmentation"
_SUBJECTS = [*LEAST_FRACTION, *attention_cost.KINDS, _AUGMENTATION, _SPEED]
_MEASURE = flags.DEFINE_multi_enum(
    "measure", _SUBJECTS, _SUBJECTS, "Types of arithmetic, kinds of attention, and more."
)
_ONE = flags.DEFINE_bool("in_this_process", False, "Measure the first of each here.")
MOST_GIGABYTES = {64: 2.6, 128: 4.0}


def main(argv: list[str]) -> int:
    """Runs every combination in a process of its own; returns 1 when a target is missed."""
    errors.no_arguments(argv)
    if _ONE.value:
        return _measure_here()
    command = [sys.executable, "-m", "dualcontrast.tools.benchmark", "--in_this_process"]
    command.append(f"--rounds={_ROUNDS.value}")
    missed = 0
    for resolution in _RESOLUTIONS.value:
        for subject in _MEASURE.value:
            # A process of its own: its peak memory is the iteration's.
            one = [*command, f"--resolution={resolution}", f"--measure={subject}"]
            for onednn in ("0", "1") if subject == _SPEED else ("",):
                missed |= subprocess.call(one, env=_environment(onednn))
    return missed


def _environment(onednn: str) -> dict[str, str]:
    chosen = {convolution_speed.ONEDNN: onednn} if onednn else {}
    return {**os.environ, **chosen}


def _measure_here() -> int:
    tensorflow_start.start()
    resolution, subject = _RESOLUTIONS.value[0], _MEASURE.value[0]
    if subject == _SPEED:
        return convolution_speed.measure(resolution, _ROUNDS.value)
    if subject == _AUGMENTATION:
        return measure_augmentations(resolution, _ROUNDS.value)
    if subject in attention_cost.KINDS:
        return attention_cost.measure(subject, resolution, _ROUNDS.value)
    return measure(resolution, subject)


def measure_augmentations(resolution: int, rounds: int) -> int:
    """Prints what augmentations cost, and at 32x32 ContraD; returns 1 when a target is missed."""
    missed = augmentation_cost.measure(resolution, rounds)
    if resolution == contrad_cost.RESOLUTION:
        missed |= contrad_cost.measure(rounds)
    return missed


def measure(resolution: int, precision: str) -> int:
    """Prints the figures of one resolution and precision; returns 1 when a target is missed."""
    strategy = devices.make_strategy()
    config = training_iteration.config(resolution, precision)
    with strategy.scope():
        run = state.State(config)
    sample = {name: training_iteration.stepper(config, run, strategy, name) for name in SHARES}
    for step in sample.values():
        step()
    memory = peak_memory.gigabytes()
    sample["generator"] = _generator(run)
    sample["generator"]()
    needed = convolutions.steps(config) | {"generator": convolutions.inference(config)}
    needed["average"] = convolutions.Calls()
    calls = {
        call: convolution_operations.operation(call, TYPES[precision])
        for counts in needed.values()
        for call in counts
    }
    clock = QuietClock(_ROUNDS.value)
    seconds = clock.medians({**{(name,): step for name, step in sample.items()}, **calls})
    if seconds is None:
        print(f"{resolution}x{resolution} {precision}: not measured, the machine was busy")
        return 1
    floor = {
        name: sum(seconds[call] * times for call, times in counts.items())
        for name, counts in needed.items()
    }
    return _report(resolution, precision, seconds, floor, memory, clock.rejected)


def _report(resolution, precision, seconds, floor, memory, rejected) -> int:
    took = {name: seconds[(name,)] for name in floor}
    iteration = sum(took[name] * share for name, share in SHARES.items())
    bound = sum(floor[name] * share for name, share in SHARES.items())
    title, missed = f"{resolution}x{resolution} {precision}", 0
    shares = ", ".join(
        f"{name} {took[name] * share / iteration:.0%} ({floor[name] / took[name]:.2f})"
        for name, share in SHARES.items()
    )
    print(f"{title}: {rejected} busy samples thrown away; share of time (of its floor): {shares}")
    least = LEAST_FRACTION[precision]
    missed |= _line(f"{title} iteration", bound / iteration, least, BATCH / iteration)
    if precision == "float32":
        speed = BATCH / took["generator"]
        missed |= _line(f"{title} generator", floor["generator"] / took["generator"], least, speed)
        most = MOST_GIGABYTES.get(resolution)
        if most:
            late = memory > most
            verdict = "MISSED" if late else "ok"
            print(f"{title} peak memory: {memory:.2f} GB (target < {most} GB) {verdict}")
            missed |= late
    return int(missed)


def _line(what: str, fraction: float, least: float, speed: float) -> bool:
    verdict = "ok" if fraction >= least else "MISSED"
    print(f"{what}: {fraction:.3f} of the floor (target {least}), {speed:.2f} images/s {verdict}")
    return fraction < least


def _generator(run: state.State) -> Callable[[], None]:
    z = tf.random.stateless_normal([BATCH, run.average.latent_size], [0, 0])
    generate = tf.function(run.average, autograph=False)
    return lambda: generate(z).numpy()


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
