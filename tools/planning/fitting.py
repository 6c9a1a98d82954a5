"""In how many parts a batch has to be computed to fit in memory, by the estimate of --dry_run."""

from collections.abc import Callable
from typing import NamedTuple

from dualcontrast.tools.planning import numbers
from dualcontrast.tools.planning.choice import Choice
from dualcontrast.tools.planning.situation import GIB, Machine
from dualcontrast.trainer import dry_run, state
from dualcontrast.trainer.config import contradictions, schema
from dualcontrast.trainer.errors import UserError

_LEAST_RESOLUTION = 8


class Fit(NamedTuple):
    """Parts of a batch, and the bytes that they need with the margin of the estimate."""

    parts: int
    needed: float


def choice(config: schema.Config, machine: Machine, at: Callable[[int], schema.Config]) -> Choice:
    """Returns the fewest parts that fit.

    Args:
      config: resolved, but for the accumulation.
      machine: that trains.
      at: the configuration for images of another side.

    Raises:
      UserError: none fits; it says what would.
    """
    fits = all_fits(config, machine)
    for fit in fits:
        if fit.needed <= machine.memory:
            size = f"{fit.needed / GIB:.2g} of {machine.memory / GIB:.3g} GiB needed, by estimate"
            return Choice(f"parts of a batch: {size}", {"training.accumulation": fit.parts})
    raise UserError(_too_large(config, machine, fits[-1], at))


def all_fits(config: schema.Config, machine: Machine) -> list[Fit]:
    """Returns what every possible number of parts needs, the fewest parts first."""
    generator, discriminator = state.make_generator(config), state.make_discriminator(config)
    share = config.training.batch_size // machine.devices
    found = []
    for parts in range(1, share + 1):
        changed = schema.replace(config, {"training.accumulation": parts})
        try:
            contradictions.check_replicas(changed, machine.devices)
        except UserError:  # It does not divide the share, or leaves too little for the deviation.
            continue
        memory = dry_run.memory_estimate(changed, generator, discriminator, machine.devices)
        # A GPU's memory has nothing of the process in it.
        runtime = 0.0 if machine.gpus else memory.runtime
        needed = (memory.weights + memory.activations) * numbers.MEMORY_MARGIN + runtime
        found.append(Fit(parts, needed))
    return found


def _too_large(config, machine: Machine, best: Fit, at: Callable[[int], schema.Config]) -> str:
    side = config.data.resolution
    text = (
        f"images of {side}x{side} need {best.needed / GIB:.2g} GiB by estimate, in"
        f" {best.parts} parts, and there are {machine.memory / GIB:.2g}"
    )
    while side > _LEAST_RESOLUTION:
        side //= 2
        smaller = all_fits(at(side), machine)[-1]
        if smaller.needed <= machine.memory:
            return (
                f"{text}: dualcontrast-convert --resolution={side} makes images that need"
                f" {smaller.needed / GIB:.2g}"
            )
    return f"{text}: expected more memory, at any resolution"
