"""How long a run is, and how often it writes what: by the rate at which it trains."""

import math

from dualcontrast.tools.planning import numbers
from dualcontrast.tools.planning.choice import Choice
from dualcontrast.tools.planning.situation import Images, Machine
from dualcontrast.trainer.errors import UserError


def length_and_intervals(
    images: Images,
    machine: Machine,
    batch: int,
    rate: float,
    hours: float | None,
    is_contrastive: bool,
) -> list[Choice]:
    """Returns the choices that count images.

    Args:
      images: to train on.
      machine: that trains.
      batch: images of a step.
      rate: images a second.
      hours: that training may take; None for the length of a run that is known.
      is_contrastive: whether the loss has a warm-up.

    Raises:
      UserError: `hours` are too few for anything.
    """
    total, why = _total(images, machine, rate, hours)
    warmup = [_warmup(images, total)] if is_contrastive else []
    return [
        *warmup,
        _half_life(batch, total),
        Choice(why, {"training.total_images": total}),
        *_intervals(total, rate),
        *_evaluation(images, machine, total),
    ]


def _total(images: Images, machine: Machine, rate: float, hours: float | None) -> tuple[int, str]:
    if hours is not None:
        total = _two_digits(hours * 3600 * rate)
        if total < numbers.LEAST_TOTAL:
            raise UserError(_too_short(hours, rate))
        return total, f"{hours:g} hours at {rate:.3g} images a second"
    if machine.gpus:
        return numbers.GPU_TOTAL, "as long as StyleGAN2 trains; --hours plans by time"
    if images.resolution <= min(numbers.CPU):
        return numbers.CPU_TOTAL_SMALL, "as in configs/demo.py; --hours plans by time"
    return numbers.CPU_TOTAL, "as in configs/emoji64.py; --hours plans by time"


def _too_short(hours: float, rate: float) -> str:
    digits = 10 ** (1 - math.floor(math.log10(numbers.LEAST_TOTAL / rate / 3600)))
    # The total is cut to two digits, which LEAST_TOTAL has.
    least = math.ceil(numbers.LEAST_TOTAL / rate / 3600 * digits) / digits
    return (
        f"--hours={hours:g} is time for {hours * 3600 * rate:,.0f} images at {rate:.3g} a second,"
        f" and below {numbers.LEAST_TOTAL:,} there is nothing to see: try --hours={least:g}"
    )


def _warmup(images: Images, total: int) -> Choice:
    epochs = numbers.WARMUP_EPOCHS * images.count
    why = f"{numbers.WARMUP_EPOCHS} passes over the data, a tenth of the run at most"
    return Choice(why, {"loss.warmup_images": min(epochs, round(total * numbers.WARMUP_SHARE))})


def _half_life(batch: int, total: int) -> Choice:
    usual = numbers.HALF_LIFE * batch // numbers.HALF_LIFE_BATCH
    images = min(usual, round(total * numbers.HALF_LIFE_SHARE))
    why = "10_000 at batch 32 (Karras et al. 2020b), 5 % of the run at most"
    return Choice(why, {"schedule.average.half_life_images": images})


def _intervals(total: int, rate: float) -> list[Choice]:
    def every(seconds: float, least: int) -> int:
        return round_number(min(rate * seconds, total / least))

    log = every(numbers.LOG_SECONDS, numbers.LOGS)
    save = every(numbers.CHECKPOINT_SECONDS, numbers.CHECKPOINTS)
    grid = round_number(total / numbers.GRIDS)
    return [
        Choice(
            f"a minute, {numbers.LOGS} times a run at least", {"training.log_every_images": log}
        ),
        Choice(
            f"ten minutes, which a crash loses, {numbers.CHECKPOINTS} times a run at least",
            {"training.checkpoint_every_images": save},
        ),
        Choice(f"{numbers.GRIDS} times a run at least", {"training.grid_every_images": grid}),
    ]


def _evaluation(images: Images, machine: Machine, total: int) -> list[Choice]:
    if images.channels == 4:
        never = {"evaluation.every_images": 0}
        return [Choice("never: the embedded extractor takes no transparent images", never)]
    most = numbers.GPU_EVALUATED if machine.gpus else numbers.CPU_EVALUATED
    fields = {
        "evaluation.every_images": round_number(total / numbers.EVALUATIONS),
        "evaluation.images": most,
    }
    return [Choice("by the embedded extractor, to keep the best checkpoint", fields)]


def round_number(images: float) -> int:
    """Returns the greatest of 1, 2, 5, 10, 20, 50, ... that is no greater, 1 at least."""
    power = 10 ** math.floor(math.log10(max(images, 1)))
    return max(step * power for step in (1, 2, 5) if step * power <= max(images, 1))


def _two_digits(images: float) -> int:
    """Returns the whole number with two digits, and zeros behind, that is next below."""
    whole = int(images)
    power = 10 ** max(0, len(str(whole)) - 2)
    return whole // power * power
