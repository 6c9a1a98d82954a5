"""Measures training of StyleGAN2 against NVIDIA's stylegan2-ada-pytorch, on this CPU.

  python -m dualcontrast.tools.benchmark_peer --peer=CHECKOUT --python=PYTHON_WITH_TORCH

Both train the same networks, config E, with the same steps, batch, threads and malloc, in float32,
each in a process of its own. Steps of the two take turns, and the shortest time of each counts;
samples taken while other programs used the processor are thrown away. The exit code is 1 when an
iteration is less than twice as fast as the peer's. docs/performance.md says what is compared.
"""

import functools
import os
import pathlib
import subprocess

from absl import flags

from dualcontrast.custom_ops import busy
from dualcontrast.tools.benchmarks import peer_process
from dualcontrast.tools.benchmarks.peer_worker import INTERVALS
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.trainer import errors, path_flags
from dualcontrast.trainer.errors import UserError

_PEER = path_flags.define("peer", None, "A checkout of stylegan2-ada-pytorch.")
_PYTHON = path_flags.define("python", None, "A Python that has PyTorch.")
_RESOLUTION = flags.DEFINE_integer("side", 64, "Side of the images.", lower_bound=8)
_BATCH = flags.DEFINE_integer("batch", 8, "Images of a step.", lower_bound=4)
_THREADS = flags.DEFINE_integer(
    "threads", len(os.sched_getaffinity(0)), "Threads of either side.", lower_bound=1
)
_ROUNDS = flags.DEFINE_integer("samples", 3, "Clean ones of each step.", lower_bound=1)

GOAL, FLOOR = 3.0, 2.0
_ADDRESS = "https://github.com/NVlabs/stylegan2-ada-pytorch"
_FILES = ("training/networks.py", "training/loss.py")
_FIND_TORCH = "import importlib.util; print(importlib.util.find_spec('torch') is not None)"


def main(argv: list[str]) -> int:
    """Prints the ratio of every step and of the iteration; returns 1 when it falls short."""
    errors.no_arguments(argv)
    check_sizes(_RESOLUTION.value, _BATCH.value)
    check_checkout(_PEER.value)
    check_python(_PYTHON.value)
    sizes = (_RESOLUTION.value, _BATCH.value, _THREADS.value)
    with (
        peer_process.ours(*sizes) as ours,
        peer_process.theirs(_PYTHON.value, os.path.abspath(_PEER.value), *sizes) as theirs,
    ):
        return measure(ours, theirs, _ROUNDS.value)


def check_sizes(resolution: int, batch: int) -> None:
    """Refuses sizes for which the two do not have the same networks."""
    if resolution & (resolution - 1):
        raise UserError(f"--side={resolution}: expected a power of two from 8 on")
    if batch % 4:
        raise UserError(
            f"--batch={batch}: expected a multiple of 4, the images that share a minibatch"
            " standard deviation"
        )


def check_checkout(folder: str | None) -> None:
    """Refuses what is no checkout of the peer."""
    if not folder:
        raise UserError(f"--peer is missing: expected a checkout of {_ADDRESS}")
    where = pathlib.Path(folder)
    if not where.is_dir():
        raise UserError(f"--peer={folder}: there is no such folder; type: git clone {_ADDRESS}")
    for name in _FILES:
        if not (where / name).is_file():
            raise UserError(f"--peer={folder}: it has no {name}, expected a checkout of {_ADDRESS}")


def check_python(python: str | None) -> None:
    """Refuses what is no Python, and one without PyTorch."""
    if not python:
        raise UserError("--python is missing: expected a Python that has PyTorch")
    try:
        answer = subprocess.run(
            [python, "-c", _FIND_TORCH], capture_output=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(
            f"--python={python}: no Python runs there, expected one that has PyTorch"
        ) from error
    if answer.stdout.strip() != b"True":
        raise UserError(
            f"--python={python}: it has no PyTorch; type: {python} -m pip install torch requests"
        )


def measure(ours: peer_process.Process, theirs: peer_process.Process, rounds: int) -> int:
    """Has the two take turns and prints their times; returns 1 when the iteration falls short.

    Raises:
      UserError: their networks differ.
    """
    if ours.parameters != theirs.parameters:
        raise UserError(
            f"the networks differ: this project's have parameters {ours.parameters},"
            f" the peer's {theirs.parameters}"
        )
    counts = ", ".join(f"{name} {count:,}" for name, count in ours.parameters.items())
    print(f"parameters of both: {counts}\nours: {ours.runs}\nthe peer: {theirs.runs}", flush=True)

    def others_seconds() -> float:
        return busy.others_seconds() - ours.processor_seconds - theirs.processor_seconds

    clock = QuietClock(rounds, others_seconds)
    seconds = clock.minima(
        {
            (whose, step): functools.partial(side.run, step)
            for step in INTERVALS
            for whose, side in (("ours", ours), ("theirs", theirs))
        }
    )
    if seconds is None:
        print("not measured, the machine was busy")
        return 1
    print(f"{clock.rejected} busy samples thrown away")
    return report(seconds)


def report(seconds: dict[tuple[str, str], float]) -> int:
    """Prints the ratio of each step and of the iteration; returns 1 when it is below the floor.

    Args:
      seconds: of each step, by ("ours" or "theirs", its name).
    """
    for step, every in INTERVALS.items():
        often = f"{step}, every {every} iterations" if every > 1 else step
        print(f"{often}: {_line(seconds['ours', step], seconds['theirs', step])}")
    ours, theirs = (
        sum(seconds[whose, step] / every for step, every in INTERVALS.items())
        for whose in ("ours", "theirs")
    )
    ratio = theirs / ours
    reached = ratio >= FLOOR  # which NaN is not
    verdict = "ok" if ratio >= GOAL else "short of the goal" if reached else "MISSED"
    print(f"iteration: {_line(ours, theirs)} (goal {GOAL}, at least {FLOOR}) {verdict}")
    return int(not reached)


def _line(ours: float, theirs: float) -> str:
    return f"{ours:.3f} s, the peer {theirs:.3f} s, {theirs / ours:.2f} times as fast"


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
