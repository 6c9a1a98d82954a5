"""Measures training of StyleGAN2 against NVIDIA's stylegan2-ada-pytorch, on this CPU.

  python -m dualcontrast.tools.benchmark_peer --peer=CHECKOUT --python=PYTHON_WITH_TORCH

Both train the same networks, config E, with the same steps, batch, threads and malloc, in float32,
each in a process of its own. Steps of the two take turns, and the shortest time of each counts;
samples taken while other programs used the processor are thrown away. The exit code is 1 when an
iteration is less than twice as fast as the peer's. docs/performance.md says what is compared.
"""

import os

from absl import flags

from dualcontrast.tools.benchmarks import peer_process, peer_speed
from dualcontrast.tools.crosschecks import peer_checkout
from dualcontrast.trainer import errors
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(peer_checkout)
_RESOLUTION = flags.DEFINE_integer("side", 64, "Side of the images.", lower_bound=8)
_BATCH = flags.DEFINE_integer("batch", 8, "Images of a step.", lower_bound=4)
_THREADS = flags.DEFINE_integer(
    "threads", len(os.sched_getaffinity(0)), "Threads of either side.", lower_bound=1
)
_ROUNDS = flags.DEFINE_integer("samples", 3, "Clean ones of each step.", lower_bound=1)


def main(argv: list[str]) -> int:
    """Prints the ratio of every step and of the iteration; returns 1 when it falls short."""
    errors.no_arguments(argv)
    check_sizes(_RESOLUTION.value, _BATCH.value)
    peer_checkout.check()
    sizes = (_RESOLUTION.value, _BATCH.value, _THREADS.value)
    with (
        peer_process.ours(*sizes) as ours,
        peer_process.theirs(
            peer_checkout.PYTHON.value, os.path.abspath(peer_checkout.PEER.value), *sizes
        ) as theirs,
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


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
