"""The tables of the comparison in docs/results.md say what the values beside its sweeps say."""

import csv
import pathlib

import pytest

from dualcontrast.tools.sweeps import results, sweep_file

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
SWEEPS = [DOCS / "sweeps" / f"{name}.yaml" for name in ("comparison", "san", "references")]


def _lines(path: pathlib.Path) -> list[results.Line]:
    sweep = sweep_file.read(path, pathlib.Path("out"))
    found: dict[tuple[str, int], results.Values] = {}
    with open(path.with_suffix(".csv"), encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            of_run = found.setdefault((row["row"], int(row["seed"])), {})
            of_run[row["metric"]] = float(row["value"])
    return results.lines_of(sweep, found)


FIDS = [line for path in SWEEPS for line in _lines(path) if line.metric == "fid"]


@pytest.mark.parametrize("line", FIDS, ids=lambda line: line.row)
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
