"""The processes of the comparison answer step by step, and say how they failed."""

import io
import json
import sys

import pytest
import tensorflow as tf

from dualcontrast.tools.benchmarks import peer_process, peer_worker, training_iteration
from dualcontrast.trainer import devices
from dualcontrast.trainer.errors import UserError

# Starts as peer_worker does, and computes nothing.
STAND_IN = """
import json, os, sys, time
malloc = os.environ["MALLOC_MMAP_THRESHOLD_"], os.environ["MALLOC_TRIM_THRESHOLD_"]
print(json.dumps({"runs": " ".join(malloc), "parameters": {"generator": 7}}), flush=True)
for step in sys.stdin:
    if step == "D\\n":
        raise RuntimeError("out of numbers")
    if step == "R1\\n":
        os.kill(os.getpid(), 9)
    print(json.dumps({"processor_seconds": 0.25}), flush=True)
"""


def stand_in():
    return peer_process.Process("the peer's", [sys.executable, "-c", STAND_IN])


def test_a_process_with_tuned_malloc_describes_itself_and_adds_up_what_its_steps_use():
    with stand_in() as side:
        assert side.runs == "1099511627776 1099511627776"
        assert side.parameters == {"generator": 7} and side.processor_seconds == 0.0
        side.run("G")
        side.run("path_length")
        assert side.processor_seconds == 0.5
    with pytest.raises(ValueError):  # it has ended
        side.run("G")


@pytest.mark.parametrize(
    "step, how",
    [
        ("D", "with exit code 1: RuntimeError: out of numbers"),
        ("R1", "by signal 9: without a word"),
    ],
)
def test_the_last_line_of_a_process_that_fails_is_the_error(step, how):
    with stand_in() as side, pytest.raises(UserError) as caught:
        side.run("G")
        side.run(step)
    assert str(caught.value) == f"the peer's process failed, {how}"


def test_a_peer_that_cannot_be_imported_is_an_error_in_one_line(tmp_path):
    with pytest.raises(UserError, match="^the peer's process failed, with exit code 1: Module.*$"):
        peer_process.theirs(sys.executable, str(tmp_path), resolution=8, batch=4, threads=1)


def test_steps_run_in_the_order_asked_and_each_is_answered():
    log, answers = [], io.StringIO()
    steps = {"G": lambda: log.append("G"), "D": lambda: log.append("D")}
    side = peer_worker.Side("nothing", {"generator": 1}, steps)
    peer_worker.serve(side, ["D\n", "G\n", "D\n"], answers)
    described, *costs = map(json.loads, answers.getvalue().splitlines())
    assert described == {"runs": "nothing", "parameters": {"generator": 1}}
    assert log == ["D", "G", "D"] and len(costs) == 3
    assert all(0 <= cost["processor_seconds"] < 1 for cost in costs)


def test_intervals_are_those_of_the_other_benchmarks():
    shares = {step: 1 / every for step, every in peer_worker.INTERVALS.items()}
    assert shares == training_iteration.SHARES


def test_our_side_has_the_peer_s_parameters_and_threads(monkeypatch, strategy_of):
    threads = []
    for kind in ("intra", "inter"):
        monkeypatch.setattr(
            tf.config.threading, f"set_{kind}_op_parallelism_threads", threads.append
        )
    monkeypatch.setattr(devices, "make_strategy", lambda: strategy_of(1))
    monkeypatch.setattr(peer_worker, "_MAPS", 64)
    monkeypatch.setattr(peer_worker, "_MOST_MAPS", 8)
    side = peer_worker.ours(None, resolution=16, batch=4, threads=3)
    # Counted by PyTorch in stylegan2-ada-pytorch (d72cc7d) with channel_base=128, channel_max=8.
    assert side.parameters == {"generator": 2137214, "discriminator": 4193}
    assert threads == [3, 3] and list(side.steps) == list(peer_worker.INTERVALS)
    side.steps["average"]()
