"""What a sweep says of its runs: means, intervals, paired differences."""

import json
import math
import pathlib

import pytest

from dualcontrast.tools.sweeps import results
from dualcontrast.tools.sweeps.sweep_file import Run, Sweep


@pytest.fixture(name="sweep")
def _sweep(tmp_path):
    """Two rows of three seeds with a FID each, and a third row that has one so far."""
    fids = {"plain": [10, 12, 14], "new": [8, 9.5, 12.5], "late": [20]}
    runs = []
    for row, values in fids.items():
        for seed in range(3):
            path = tmp_path / f"{row}{seed}.jsonl"
            runs.append(Run(row, seed, pathlib.Path(), 8, [], None, path))
            if seed < len(values):
                old = {"images_seen": 8, "estimates": {"fid": {"value": 99}}}
                new = {"images_seen": 16, "estimates": {"fid": {"value": values[seed]}}}
                path.write_text("".join(json.dumps(line) + "\n" for line in (new, old)))
    return Sweep(runs, list(fids), [0, 1, 2], {"new": "plain", "late": "new"})


def test_an_interval_is_students():
    # Of 1, 2, 3: deviation 1, t of 2 degrees 4.3027, root of 3.
    found = results.interval([1, 2, 3])
    assert found.mean == 2
    assert found.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert math.isinf(results.interval([5]).half_width)


def test_differences_are_paired_by_seed(sweep):
    plain, new, late = results.lines(sweep)
    assert (plain.own.mean, plain.difference) == (12, None)
    # -2, -2.5, -1.5: mean -2, deviation 0.5.
    assert new.difference.mean == -2
    assert new.difference.half_width == pytest.approx(4.302653 * 0.5 / 3**0.5, rel=1e-6)
    assert new.verdict == "better" and late.verdict == ""
    assert late.values == {0: 20} and late.difference.mean == 12  # its own baseline is "new"


def test_more_is_better_where_it_is(sweep):
    line = results.Line(
        *("a", "recall", {0: 1.0}, results.Interval(1, 0), "b", results.Interval(1, 0.5))
    )
    assert line.verdict == "better"
    assert line._replace(metric="fid").verdict == "worse"
    assert line._replace(metric="separability_w").verdict == "worse"
    assert line._replace(metric="overfitting_r_v").verdict == ""  # an untrained network has none
    assert line._replace(metric="fddf").verdict == ""
    assert line._replace(difference=results.Interval(1, 1.5)).verdict == ""


def test_the_table_and_the_file_have_what_was_found(sweep):
    found = results.lines(sweep)
    rows = [line.split() for line in results.table(found).splitlines()]
    assert rows[1] == ["plain", "fid", "3", "12", "±", "4.97"]
    assert rows[2] == ["new", "fid", "3", "10", "±", "5.69", "-2", "±", "1.24", "plain", "better"]
    assert rows[3] == ["late", "fid", "1", "20", "+12", "new"]
    assert results.as_csv(found).splitlines()[:2] == ["row,seed,metric,value", "plain,0,fid,10"]
