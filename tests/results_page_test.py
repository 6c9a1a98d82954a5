"""The table of the comparison in docs/results.md says what the values beside its sweep say."""

import csv
import pathlib

import pytest

from dualcontrast.tools.sweeps import results, sweep_file

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
SWEEP = DOCS / "sweeps" / "comparison.yaml"


def _lines() -> list[results.Line]:
    sweep = sweep_file.read(SWEEP, pathlib.Path("out"))
    found: dict[tuple[str, int], results.Values] = {}
    with open(SWEEP.with_suffix(".csv"), encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            of_run = found.setdefault((row["row"], int(row["seed"])), {})
            of_run[row["metric"]] = float(row["value"])
    return results.lines_of(sweep, found)


@pytest.mark.parametrize("line", [x for x in _lines() if x.metric == "fid"], ids=lambda x: x.row)
def test_a_row_of_the_comparison_is_on_the_page(line):
    cells = [
        f"`{line.row}`",
        ", ".join(f"{value:.2f}" for value in line.values.values()),
        f"{line.own.mean:.2f} ± {line.own.half_width:.2f}",
    ]
    if line.difference is not None:
        mean, half = line.difference.mean, line.difference.half_width
        verdict = f", {line.verdict}" if line.verdict else ""
        cells.append(f"{mean:+.2f} ± {half:.2f} from `{line.baseline}`{verdict}")
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    assert f"| {' | '.join(cells)} |" in page
