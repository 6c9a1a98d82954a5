"""The clock of the benchmarks is honest about a busy machine."""

import time

import pytest

from dualcontrast.custom_ops import busy
from dualcontrast.tools.benchmarks import quiet_clock


def test_medians_come_from_as_many_rounds_as_asked(monkeypatch):
    monkeypatch.setattr(busy, "others_seconds", lambda: 0.0)
    calls = []
    clock = quiet_clock.QuietClock(rounds=3)
    seconds = clock.medians({("step",): lambda: calls.append(1), "conv": lambda: time.sleep(0.01)})
    assert len(calls) == 3 + 1  # one to warm up
    assert seconds["conv"] == pytest.approx(0.01, rel=0.5) and clock.rejected == 0


def test_busy_samples_are_taken_again(monkeypatch):
    used = iter([0.0, 1.0, 1.0, 1.0])  # others work for a second during the first sample
    monkeypatch.setattr(busy, "others_seconds", lambda: next(used))
    clock = quiet_clock.QuietClock(rounds=1)
    assert clock.medians({"conv": lambda: None}) is not None
    assert clock.rejected == 1


def test_minima_are_the_shortest_of_the_clean_samples():
    lasts = iter([0.0, 0.03, 0.001, 0.2, 0.02])  # the first is to warm up, the fourth is busy
    used = iter([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    clock = quiet_clock.QuietClock(rounds=3, others_seconds=lambda: next(used))
    seconds = clock.minima({"step": lambda: time.sleep(next(lasts))})
    assert 0.001 <= seconds["step"] < 0.015 and clock.rejected == 1


def test_a_machine_that_stays_busy_is_given_up_on(monkeypatch):
    monkeypatch.setattr(quiet_clock, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(busy, "others_seconds", lambda: time.monotonic() * 10)
    assert quiet_clock.QuietClock(rounds=1).medians({"conv": lambda: time.sleep(0.01)}) is None
