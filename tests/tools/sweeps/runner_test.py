"""A sweep's processes: so many at a time, failing, stopped and resumed."""

import dataclasses
import os
import pathlib
import signal
import sys

import pytest

from dualcontrast.tools.sweeps import runner
from dualcontrast.tools.sweeps.sweep_file import Run

# A training of 16 images, which writes what a run writes. WORKDIR SECONDS
TRAINER = """
import json, os, pathlib, signal, sys, time
workdir, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
signal.signal(signal.SIGTERM, lambda *_: (print("stopped"), sys.exit(143)))
(workdir / "checkpoints").mkdir(parents=True, exist_ok=True)
with (workdir.parent / "starts").open("a") as starts:
    starts.write(f"{workdir.name} {time.monotonic()}\\n")
print("threads", os.environ["TF_NUM_INTRAOP_THREADS"], "nice", os.nice(0), flush=True)
time.sleep(seconds)
if seconds == 0.25:
    sys.exit("no luck")
(workdir / "metrics.jsonl").write_text(json.dumps({"images_seen": 16}) + "\\n")
(workdir / "checkpoints" / "images-16.index").touch()
with (workdir.parent / "starts").open("a") as starts:
    starts.write(f"{workdir.name} {time.monotonic()}\\n")
"""
EVALUATE = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('{\"images_seen\": 16}\\n')"
MANNER = runner.Manner(jobs=2, threads=3, niceness=5)


def make(tmp_path, name: str, seconds: float) -> Run:
    workdir = tmp_path / name
    results = workdir / "results.jsonl"
    train = [sys.executable, "-c", TRAINER, str(workdir), str(seconds)]
    measure = [sys.executable, "-c", EVALUATE, str(results)]
    return Run(name, 0, workdir, 16, train, measure, results)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(runner, "_LOOK_SECONDS", 0.02)


def test_runs_are_trained_and_measured_so_many_at_a_time_and_a_failure_stops_none(tmp_path):
    runs = [make(tmp_path, name, 0.25 if name == "b" else 0.3) for name in "abcd"]
    shown: list[int] = []
    failures, stopped = runner.run_all(runs, MANNER, lambda active: shown.append(len(active)))
    assert stopped == 0 and max(shown) == 2
    assert failures == [f"b, seed 0 ended with 1: no luck ({tmp_path / 'b.log'})"]
    for run in runs:
        assert run.results.exists() == (run.row != "b")
    assert f"threads 3 nice {min(os.nice(0) + 5, 19)}" in (tmp_path / "a.log").read_text()
    # What is complete is not started again: only the one that failed is.
    starts = (tmp_path / "starts").read_text().count("\n")
    again, _ = runner.run_all(runs, MANNER, lambda active: None)
    assert again == failures and (tmp_path / "starts").read_text().count("\n") == starts + 1


def test_a_run_that_is_trained_and_not_measured_is_measured(tmp_path):
    run = make(tmp_path, "a", 0.0)
    runner.run_all([run], MANNER, lambda active: None)
    run.results.unlink()
    assert runner.commands_left(run) == [run.evaluate]


def test_a_run_that_was_made_longer_is_measured_again(tmp_path):
    run = make(tmp_path, "a", 0.0)
    runner.run_all([run], MANNER, lambda active: None)
    assert runner.commands_left(run) == []
    longer = dataclasses.replace(run, images=32)
    assert runner.commands_left(longer) == [run.train, run.evaluate]


def test_a_signal_stops_all_runs_and_is_passed_on_once(tmp_path):
    runs = [make(tmp_path, name, 60.0) for name in "abc"]

    def interrupt(active):
        started = tmp_path / "starts"
        if started.exists() and started.read_text().count("\n") == 2:
            os.kill(os.getpid(), signal.SIGINT)

    failures, stopped = runner.run_all(runs, MANNER, interrupt)
    assert (failures, stopped) == ([], signal.SIGINT)
    logs = [pathlib.Path(tmp_path / f"{name}.log").read_text() for name in "ab"]
    assert all(log.endswith("stopped\n") for log in logs)
    assert not (tmp_path / "c.log").exists()
