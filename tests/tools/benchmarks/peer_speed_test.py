"""The comparison with the peer is one of whole iterations, and fair."""

import pytest

from dualcontrast.custom_ops import busy
from dualcontrast.tools.benchmarks import peer_speed
from dualcontrast.tools.benchmarks.peer_worker import INTERVALS
from dualcontrast.trainer.errors import UserError

COUNTS = {"generator": 21, "discriminator": 20}


class Side:
    """Notes its steps, which take no time, in a list that the sides share."""

    def __init__(self, name, log, parameters):
        self.name, self.log, self.parameters = name, log, parameters
        self.runs, self.processor_seconds = f"library of {name}", 0.0

    def run(self, step):
        self.log.append((self.name, step))
        self.processor_seconds += 5.0


def times(ours, theirs):
    each = {"ours": ours, "theirs": theirs}
    return {(whose, step): each[whose] for whose in each for step in INTERVALS}


@pytest.mark.parametrize(
    "gain, verdict, code",
    [
        (3.0, "(goal 3.0, at least 2.0) ok", 0),
        (2.9, "short of the goal", 0),
        (2.0, "short of the goal", 0),
        (1.9, "MISSED", 1),
        (float("nan"), "MISSED", 1),
    ],
)
def test_less_than_twice_the_peer_s_speed_is_the_exit_code(gain, verdict, code, capsys):
    assert peer_speed.report(times(2.0, 2.0 * gain)) == code
    assert capsys.readouterr().out.rstrip().endswith(verdict)


def test_lazy_steps_count_by_their_intervals(capsys):
    # Ours: G + D + average + path length / 4 + R1 / 16 = 3.3125 s. The peer's path length takes
    # 8 s longer, a quarter of it in an iteration: 5.3125 s, 1.604 times as long.
    seconds = times(1.0, 1.0) | {("theirs", "path_length"): 9.0}
    assert peer_speed.report(seconds) == 1
    out = capsys.readouterr().out
    assert "path_length, every 4 iterations: 1.000 s, the peer 9.000 s, 9.00 times as fast" in out
    assert "iteration: 3.312 s, the peer 5.312 s, 1.60 times as fast" in out


def test_the_sides_take_turns_and_their_own_work_is_not_other_programs(monkeypatch, capsys):
    log = []
    ours, theirs = Side("ours", log, COUNTS), Side("theirs", log, dict(COUNTS))
    # The processors' time, in which the sides' is contained.
    monkeypatch.setattr(busy, "others_seconds", lambda: 5.0 * len(log))
    peer_speed.measure(ours, theirs, rounds=2)
    turns = [(whose, step) for step in INTERVALS for whose in ("ours", "theirs")]
    assert log == 3 * turns  # one to warm up
    out = capsys.readouterr().out
    assert "parameters of both: generator 21, discriminator 20" in out
    assert "the peer: library of theirs" in out and "0 busy samples" in out


def test_networks_of_different_sizes_are_not_compared():
    ours, theirs = Side("ours", [], COUNTS), Side("theirs", [], {**COUNTS, "generator": 22})
    with pytest.raises(UserError, match="networks differ.*'generator': 21.*'generator': 22"):
        peer_speed.measure(ours, theirs, rounds=1)
