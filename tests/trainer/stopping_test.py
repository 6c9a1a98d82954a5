"""How a run is asked to end, by which signals, and when it ends at once."""

import os
import signal
import subprocess
import sys

import pytest

from dualcontrast.trainer import stopping

# Sends itself signals by name; those in brackets while it saves. Says what it came to.
PROGRAM = """
import os, signal, sys
from dualcontrast.trainer import stopping
def send(names):
    for name in names:
        os.kill(os.getpid(), getattr(signal, name))
before, during = (words.split() for words in sys.argv[1].split("|"))
with stopping.Stopping() as signals:
    send(before)
    with signals.saving():
        send(during)
        os.write(1, b"saved ")
    os.write(1, str(signals.received).encode())
"""


def outcome(signals: str) -> tuple[int, str, str]:
    """Returns exit code, output and errors of a process that signals itself."""
    command = [sys.executable, "-c", PROGRAM, signals]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"])
def test_what_terminals_and_schedulers_send_asks_to_stop(name, capfd):
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with stopping.Stopping() as signals:
            assert not signals.received
            os.kill(os.getpid(), number)
            assert signals.received == number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert f"{name}: the run saves and stops" in capfd.readouterr().err


@pytest.mark.parametrize(
    "signals, first",
    [
        ("SIGTERM | SIGTERM SIGTERM", signal.SIGTERM),
        ("SIGHUP SIGTERM | SIGHUP", signal.SIGHUP),
        ("SIGTERM SIGINT | SIGUSR1", signal.SIGTERM),
        ("SIGINT SIGTERM | SIGTERM", signal.SIGINT),
        ("| SIGUSR1 SIGTERM SIGXCPU", signal.SIGUSR1),
    ],
)
def test_no_number_of_other_signals_ends_a_run_without_its_checkpoint(signals, first):
    code, output, errors = outcome(signals)
    assert (code, output) == (0, f"saved {int(first)}"), errors


@pytest.mark.parametrize("signals", ["SIGINT SIGINT |", "SIGTERM SIGINT SIGINT |"])
def test_a_second_interrupt_ends_a_run_at_once(signals):
    code, output, errors = outcome(signals)
    assert (code, output) == (130, "") and "what was not saved is lost" in errors


@pytest.mark.parametrize("signals", ["SIGINT | SIGINT", "| SIGINT SIGINT SIGINT"])
def test_a_save_under_way_is_completed_before_a_second_interrupt_ends_the_run(signals):
    code, output, errors = outcome(signals)
    assert (code, output) == (130, "saved ") and "what was not saved is lost" in errors


def test_a_terminal_that_closes_does_not_stop_what_was_begun_with_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping.Stopping() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not signals.received
    finally:
        signal.signal(signal.SIGHUP, before)
