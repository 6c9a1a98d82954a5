"""Measures training of StyleGAN2 against NVIDIA's stylegan2-ada-pytorch, on this CPU.

  python -m dualcontrast.tools.benchmark_peer --peer=CHECKOUT --python=PYTHON_WITH_TORCH

Both train the same networks, config E, with the same steps, batch, threads and malloc, in float32,
each in a process of its own. Steps of the two take turns, and the shortest time of each counts;
samples taken while other programs used the processor are thrown away. The exit code is 1 when an
iteration is less than twice as fast as the peer's. docs/performance.md says what is compared.
"""

import os
import pathlib
import subprocess

from absl import flags

from dualcontrast.tools.benchmarks import peer_process, peer_speed
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
        return peer_speed.measure(ours, theirs, _ROUNDS.value)


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


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
