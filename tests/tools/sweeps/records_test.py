"""A sweep says under which conditions its runs were trained."""

import csv
import hashlib
import io
import json

import pytest

from dualcontrast.tools.sweeps import records
from dualcontrast.tools.sweeps.sweep_file import Run, Sweep

START = {"images_seen": 0, "python": "3.11.7", "tensorflow": "2.20.0", "deterministic": True}
NEWEST = START | {
    "images_seen": 100,
    "tensorflow": "2.21.0",
    "operations": {"conv2d float32": "avx512", "bias_act float32": "cpu"},
    "variables": {"OMP_NUM_THREADS": "1"},
}


def _lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(name="sweep")
def _sweep(tmp_path):
    """A run that was started twice, and one that was not."""
    runs = [
        Run(row, 3, tmp_path / row, 400, ["/bin/train", "--seed=3"], ["/bin/evaluate"], tmp_path)
        for row in ("begun", "waiting")
    ]
    folder = runs[0].workdir
    folder.mkdir()
    _lines(folder / "environment.jsonl", [START, NEWEST])
    rates = [(100, 10.0), (400, 2.5), (400, None)]  # The last one is a line of an evaluation.
    _lines(
        folder / "metrics.jsonl",
        [
            {"images_seen": seen, **({"images_per_second": rate} if rate else {})}
            for seen, rate in rates
        ],
    )
    (folder / "data.json").write_text(json.dumps({"count": 2, "sha256": ["ab", "cd"]}))
    return Sweep(runs, ["begun", "waiting"], [3], {})


def _read(sweep):
    return list(csv.DictReader(io.StringIO(records.as_csv(sweep))))


def test_a_run_that_has_begun_is_a_line_with_its_newest_start(sweep):
    (record,) = _read(sweep)
    assert (record["row"], record["seed"], record["starts"]) == ("begun", "3", "2")
    assert (record["python"], record["tensorflow"]) == ("3.11.7", "2.21.0")
    assert record["operations"] == "conv2d float32=avx512; bias_act float32=cpu"
    assert record["variables"] == "OMP_NUM_THREADS=1"
    assert record["data"] == hashlib.sha256(b"abcd").hexdigest()[:12]
    assert record["command"] == "train --seed=3 && evaluate"


def test_its_minutes_are_those_of_training(sweep):
    (record,) = _read(sweep)
    assert record["images"] == "400"
    assert float(record["minutes"]) == pytest.approx((100 / 10 + 300 / 2.5) / 60, abs=0.05)


def test_a_run_of_no_known_data_has_a_line_too(sweep):
    (sweep.runs[0].workdir / "data.json").unlink()
    assert _read(sweep)[0]["data"] == ""
