"""Measures what attention costs: a training iteration with it against one without.

  python -m dualcontrast.tools.benchmark_attention --resolutions=64,128

Config E at batch 8 in float32: SAN in the generator at 32x32, and reference attention in the
discriminator at 8x8, with rolled references and with a second batch of reals. Each prints the ratio
of its iteration's time to the plain one's, measured in turns, with its target; the exit code is 1
when one is dearer. Samples taken while other programs used the processor are thrown away.
"""

import subprocess
import sys

from dualcontrast.trainer import quiet  # isort: skip  # noqa: F401

from absl import flags

from dualcontrast.tools import benchmark_iteration as iterations
from dualcontrast.tools.benchmark_iteration import SHARES
from dualcontrast.tools.quiet_clock import QuietClock
from dualcontrast.trainer import devices, errors, state

_RESOLUTIONS = flags.DEFINE_list("resolutions", ["64", "128"], "Sides of the images.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Clean samples of each step.", lower_bound=1)
_ONE = flags.DEFINE_string("in_this_process", None, "Measure one kind at one resolution here.")

_REFERENCE = {"discriminator.attention.pairing": "reference"}
# What is changed, and how often as long an iteration may take.
KINDS = {
    "SAN in G at 32x32": ({"generator.attention.kind": "san"}, 1.15),
    "rolled references in D at 8x8": (
        _REFERENCE | {"discriminator.attention.references": "rolled"},
        1.10,
    ),
    "independent references in D at 8x8": (_REFERENCE, 1.40),
}


def main(argv: list[str]) -> int:
    """Runs every combination in a process of its own; returns 1 when a target is missed."""
    errors.no_arguments(argv)
    if _ONE.value:
        return measure(_ONE.value, int(_RESOLUTIONS.value[0]))
    missed = 0
    for resolution in _RESOLUTIONS.value:
        for kind in KINDS:
            command = [sys.executable, "-m", "dualcontrast.tools.benchmark_attention"]
            command += [f"--resolutions={resolution}", f"--rounds={_ROUNDS.value}"]
            missed |= subprocess.call([*command, f"--in_this_process={kind}"])
    return missed


def measure(kind: str, resolution: int) -> int:
    """Prints the ratio of one kind at one resolution; returns 1 when its target is missed."""
    changes, most = KINDS[kind]
    strategy, sample = devices.make_strategy(), {}
    for name, changed in (("plain", {}), (kind, changes)):
        config = iterations.config(resolution, "float32", changed)
        with strategy.scope():
            run = state.State(config)
        for step in SHARES:
            sample[name, step] = iterations.stepper(config, run, strategy, step)
    seconds = QuietClock(_ROUNDS.value).medians(sample)
    title = f"{resolution}x{resolution}, {kind}"
    if seconds is None:
        print(f"{title}: not measured, the machine was busy")
        return 1
    return report(title, seconds, kind, most)


def report(title: str, seconds: dict[tuple[str, str], float], kind: str, most: float) -> int:
    """Prints a line; returns 1 when the target is missed.

    Args:
      title: of the line.
      seconds: of each step, by ("plain" or `kind`, its name in `SHARES`).
      kind: what was changed.
      most: the largest ratio allowed.
    """
    iteration = {
        name: sum(seconds[name, step] * share for step, share in SHARES.items())
        for name in ("plain", kind)
    }
    ratio = iteration[kind] / iteration["plain"]
    parts = ", ".join(
        f"{step} {seconds[kind, step] / seconds['plain', step]:.2f}" for step in SHARES
    )
    verdict = "ok" if ratio <= most else "MISSED"
    print(f"{title}: {ratio:.3f} of the plain iteration (target at most {most}) {verdict}: {parts}")
    return int(ratio > most)


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
