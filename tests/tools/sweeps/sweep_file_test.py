"""The file of a sweep: what it becomes, and how it is refused."""

import csv
import pathlib

import pytest

from dualcontrast.tools.sweeps import sweep_file
from dualcontrast.trainer.errors import UserError

GOOD = """
config: demo
data: data/scenes
seeds: [0, 1]
change:
  training.total_images: 100_000
rows:
  plain: {loss: non_saturating}
  strong:
    loss: hinge
    penalties.r1_gamma: 1e-3
    data: data/other
    evaluate: {fake_count: 64, error_bars: true}
baseline: plain
evaluate: {data: data/held out, metrics: [fid, precision_recall], error_bars: false}
"""


def read(tmp_path, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    return sweep_file.read(path, pathlib.Path("out"))


def test_a_run_is_a_row_with_a_seed(tmp_path):
    sweep = read(tmp_path, GOOD)
    assert [run.name for run in sweep.runs] == [
        *("plain, seed 0", "strong, seed 0", "plain, seed 1", "strong, seed 1")
    ]
    assert {run.images for run in sweep.runs} == {100_000}
    assert sweep_file.shell(sweep.runs[3]) == (
        "dualcontrast-train --config=demo --data=data/other --workdir=out/strong/seed1"
        " --config.training.total_images=100000 --config.loss=hinge"
        " --config.penalties.r1_gamma=1e-3 --config.training.seed=1"
        " && dualcontrast-evaluate --run=out/strong/seed1"
        " --output=out/strong/seed1/metrics-sweep.jsonl '--data=data/held out'"
        " --metrics=fid,precision_recall --error_bars=true --fake_count=64"
    )
    assert sweep.runs[2].evaluate[-1] == "--error_bars=false"
    assert sweep.baselines == {"strong": "plain"}


def test_a_row_may_have_a_baseline_of_its_own(tmp_path):
    third = "  third: {loss: hinge, baseline: strong}\nbaseline: plain"
    sweep = read(tmp_path, GOOD.replace("baseline: plain", third))
    assert sweep.baselines == {"strong": "plain", "third": "strong"}
    assert not any("baseline" in word for run in sweep.runs for word in run.train)


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("rows:", "lines:", "unknown key 'lines', expected some of config, data, seeds"),
        ("  plain: {loss", "  ../up: {loss", "'../up' can be no folder's name"),
        ("  plain: {loss", "  report.html: {loss", "'report.html' can be no folder's name"),
        ("{loss: non_saturating}", "3", "row plain: got 3, expected fields"),
        ("non_saturating}", "hing}", "row plain: config section loss: got 'hing', expected one of"),
        ("penalties.r1_gamma: 1e-3", "penalties.r1gamma: 1", "row strong: unknown config field"),
        ("1e-3", "lots", "row strong: --config.penalties.r1_gamma=lots: expected a number >= 0"),
        ("seeds: [0, 1]", "seeds: 3", "seeds: got 3, expected a list of numbers"),
        ("baseline: plain", "baseline: plane", "baseline: got 'plane', expected one of plain"),
        ("loss: hinge", "baseline: odd", "baseline: got 'odd', expected one of plain, strong"),
        ("config: demo", "config: demos", "row plain: --config=demos: no such file"),
        ("data: data/scenes", "", "row plain: data is missing"),
        ("data: data/held out, ", "", "evaluate: expected flags of dualcontrast-evaluate, data"),
        ("{fake_count: 64", "{output: here", "evaluate: output is the sweep's own"),
        (
            "{fake_count: 64, error_bars: true}",
            "64",
            "row strong: evaluate adds flags to those of all rows, got 64",
        ),
        ("metrics: [fid", "run: here, metrics: [fid", "evaluate: run is the sweep's own"),
        ("seeds: [0", "seeds: [0\n - ]", "line 5: no YAML"),
    ],
)
def test_a_mistake_is_named_with_the_file(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(UserError) as refused:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert str(refused.value).startswith(str(tmp_path)) and words in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="none.yaml"):
        sweep_file.read(tmp_path / "none.yaml", tmp_path)


SWEEPS = pathlib.Path(__file__).resolve().parents[3] / "docs" / "sweeps"


@pytest.mark.parametrize("path", sorted(SWEEPS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_sweep_of_the_pages_can_be_run_and_has_all_its_values(path):
    sweep = sweep_file.read(path, pathlib.Path("out"))
    with open(path.with_suffix(".csv"), encoding="utf-8") as opened:
        values = {(row["row"], int(row["seed"])) for row in csv.DictReader(opened)}
    assert values == {(run.row, run.seed) for run in sweep.runs}
