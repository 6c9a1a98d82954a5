"""What a sweep found: means over seeds with intervals, and differences paired by seed."""

import csv
import io
import math
import statistics
from typing import NamedTuple

import scipy.stats

from dualcontrast.tools.sweeps.sweep_file import Run, Sweep
from dualcontrast.trainer import files
from dualcontrast.trainer.evaluation import metric_names

LEVEL = 0.95
_HEAD = ("row", "metric", "seeds", "mean", "interval", "difference", "interval", "from", "")

# Of a run: its measurements by name.
Values = dict[str, float]


class Interval(NamedTuple):
    """A mean of some numbers and how far it can be trusted.

    Attributes:
      mean: of the numbers.
      half_width: of the interval about it that holds the true mean with probability `LEVEL`, by
        Student's t; infinite for a single number.
    """

    mean: float
    half_width: float

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 is outside."""
        return abs(self.mean) > self.half_width


def interval(numbers: list[float]) -> Interval:
    """Returns the mean of numbers with its interval."""
    count, mean = len(numbers), statistics.fmean(numbers)
    if count < 2:
        return Interval(mean, math.inf)
    t = float(scipy.stats.t.ppf((1 + LEVEL) / 2, count - 1))
    return Interval(mean, t * statistics.stdev(numbers) / math.sqrt(count))


def of_run(run: Run) -> Values:
    """Returns the newest measurements of a run; none where there are none."""
    rows = [row for row in files.read_sound_rows(run.results) if "estimates" in row]
    if not rows:
        return {}
    newest = max(rows, key=lambda row: row.get("images_seen") or 0)
    return {name: estimate["value"] for name, estimate in newest["estimates"].items()}


class Line(NamedTuple):
    """What is known of one metric of one row.

    Attributes:
      row, metric: which.
      values: by seed, of those that were measured.
      own: of the values.
      baseline: the row that it is compared with; None for none.
      difference: from that, over the seeds that both have; None where it has none.
    """

    row: str
    metric: str
    values: dict[int, float]
    own: Interval
    baseline: str | None
    difference: Interval | None

    @property
    def verdict(self) -> str:
        """Returns "better" or "worse" than its baseline; nothing where that is not decided."""
        sign = metric_names.BETTER.get(self.metric, 0)
        if not sign or self.difference is None or not self.difference.excludes_zero:
            return ""
        return "better" if sign * self.difference.mean > 0 else "worse"


def lines(sweep: Sweep) -> list[Line]:
    """Returns what a sweep has found so far, metric by metric."""
    return lines_of(sweep, {(run.row, run.seed): of_run(run) for run in sweep.runs})


def lines_of(sweep: Sweep, found: dict[tuple[str, int], Values]) -> list[Line]:
    """Returns what the values of a sweep say, by row and seed, metric by metric."""
    metrics = dict.fromkeys(name for values in found.values() for name in values)
    return [
        line
        for metric in metrics
        for row in sweep.rows
        if (line := _line(sweep, row, metric, found)) is not None
    ]


def _line(sweep: Sweep, row: str, metric: str, found: dict[tuple[str, int], Values]) -> Line | None:
    def values_of(name: str) -> dict[int, float]:
        known = {seed: found[name, seed].get(metric) for seed in sweep.seeds}
        return {seed: value for seed, value in known.items() if value is not None}

    values = values_of(row)
    if not values:
        return None
    baseline, difference = sweep.baselines.get(row), None
    if baseline:
        base = values_of(baseline)
        pairs = [value - base[seed] for seed, value in values.items() if seed in base]
        difference = interval(pairs) if pairs else None
    return Line(row, metric, values, interval(list(values.values())), baseline, difference)


def table(found: list[Line]) -> str:
    """Returns the results as aligned columns."""
    cells = [_HEAD, *(_cells(line) for line in found)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in cells
    )


def _cells(line: Line) -> tuple[str, ...]:
    difference = ("", "", "")
    if line.difference is not None:
        difference = (*shown(line.difference, sign="+"), str(line.baseline))
    seeds = str(len(line.values))
    return line.row, line.metric, seeds, *shown(line.own), *difference, line.verdict


def shown(one: Interval, sign: str = "") -> tuple[str, str]:
    """Returns the mean and the width as they are printed; no width where it is infinite."""
    width = "" if math.isinf(one.half_width) else f"± {one.half_width:.3g}"
    return f"{one.mean:{sign}.4g}", width


def as_csv(found: list[Line]) -> str:
    """Returns every value, a line a run and metric."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "seed", "metric", "value"])
    for line in found:
        for seed, value in line.values.items():
            writer.writerow([line.row, seed, line.metric, repr(value)])
    return text.getvalue()
