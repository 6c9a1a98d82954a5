"""What attention costs: an iteration of training with it against one without.

Config E at batch 8 in float32: SAN in the generator at 32x32, and reference attention in the
discriminator at 8x8, with rolled references and with a second batch of reals.
"""

from dualcontrast.tools.benchmarks import training_iteration
from dualcontrast.tools.benchmarks.quiet_clock import QuietClock
from dualcontrast.tools.benchmarks.training_iteration import SHARES
from dualcontrast.trainer import devices, state

_REFERENCE = {"discriminator.attention.pairing": "reference"}
# By the name of the row of the paper: what is changed, how often as long an iteration may take.
KINDS = {
    "gsan32": ({"generator.attention.kind": "san"}, 1.15),
    "dref8_rolled": (
        _REFERENCE | {"discriminator.attention.references": "rolled"},
        1.10,
    ),
    "dref8": (_REFERENCE, 1.40),
}


def measure(kind: str, resolution: int, rounds: int) -> int:
    """Prints the ratio of one kind at one resolution; returns 1 when its target is missed.

    Args:
      kind: a key of `KINDS`.
      resolution: side of the images.
      rounds: clean samples of each step.
    """
    changes, most = KINDS[kind]
    strategy, sample = devices.make_strategy(), {}
    for name, changed in (("plain", {}), (kind, changes)):
        config = training_iteration.config(resolution, "float32", changed)
        with strategy.scope():
            run = state.State(config)
        for step in SHARES:
            sample[name, step] = training_iteration.stepper(config, run, strategy, step)
    seconds = QuietClock(rounds).medians(sample)
    title = f"{resolution}x{resolution}, {kind}"
    if seconds is None:
        print(f"{title}: not measured, the machine was busy")
        return 1
    return report(title, seconds, kind, most)


def report(
    title: str,
    seconds: dict[tuple[str, str], float],
    kind: str,
    most: float,
    shares: dict[str, float] = SHARES,
    of: str = "the plain iteration",
) -> int:
    """Prints a line; returns 1 when the target is missed.

    Args:
      title: of the line.
      seconds: of each step, by ("plain" or `kind`, its name in `SHARES`).
      kind: what was changed.
      most: the largest ratio allowed.
      shares: how often each step runs in an iteration.
      of: what "plain" is, for people.
    """
    iteration = {
        name: sum(seconds[name, step] * share for step, share in shares.items())
        for name in ("plain", kind)
    }
    ratio = iteration[kind] / iteration["plain"]
    parts = ", ".join(
        f"{step} {seconds[kind, step] / seconds['plain', step]:.2f}" for step in shares
    )
    verdict = "ok" if ratio <= most else "MISSED"
    print(f"{title}: {ratio:.3f} of {of} (target at most {most}) {verdict}: {parts}")
    return int(ratio > most)
