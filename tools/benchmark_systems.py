"""Measures training of every system, against the convolutions that it needs.

  python -m dualcontrast.tools.benchmark_systems --system=sngan --system=r3gan

Each is measured twice, in processes of their own: at 64x64 with networks as wide as published and
batches of 8, where its iteration is also compared with the time that its convolutions take in
TensorFlow, one by one, with a target for the fraction; and at 32x32 as configs/systems.py has it.
The exit code is 1 when a fraction falls short. Samples taken while other programs used the
processor are thrown away. docs/systems.md has a table of what was measured.
"""

import subprocess
import sys

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

from absl import flags

from dualcontrast.tools.benchmarks import system_speed
from dualcontrast.trainer import errors, tensorflow_start

_SYSTEMS = flags.DEFINE_multi_enum(
    "system", sorted(system_speed.PUBLISHED), sorted(system_speed.PUBLISHED), "Which ones."
)
_SIDES = flags.DEFINE_multi_enum("of_side", ["64", "32"], ["64", "32"], "Sides of the images.")
_ROUNDS = flags.DEFINE_integer("times", 3, "Clean samples of each figure.", lower_bound=1)
_ONE = flags.DEFINE_bool("here", False, "Measure the first of each in this process.")


def main(argv: list[str]) -> int:
    """Runs every measurement in a process of its own; returns 1 when a target is missed."""
    errors.no_arguments(argv)
    if _ONE.value:
        tensorflow_start.start()
        return system_speed.measure(_SYSTEMS.value[0], int(_SIDES.value[0]), _ROUNDS.value)
    command = [sys.executable, "-m", "dualcontrast.tools.benchmark_systems", "--here"]
    command.append(f"--times={_ROUNDS.value}")
    missed = 0
    for system in _SYSTEMS.value:
        for side in _SIDES.value:
            # A process of its own: its peak memory is the iteration's.
            missed |= subprocess.call([*command, f"--system={system}", f"--of_side={side}"])
    return missed


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
