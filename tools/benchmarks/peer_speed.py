"""How much faster an iteration of training is here than in the peer's code."""

import functools

from dualcontrast.custom_ops import busy
from dualcontrast.tools.benchmarks.peer_process import Process
from dualcontrast.tools.benchmarks.peer_worker import INTERVALS
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.trainer.errors import UserError

GOAL, FLOOR = 3.0, 2.0


def measure(ours: Process, theirs: Process, rounds: int) -> int:
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
