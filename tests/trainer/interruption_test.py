"""Ctrl-C in a command that starts: exit code 130 and no traceback, whatever it was importing."""

import configparser
import pathlib
import subprocess
import sys

import pytest

from dualcontrast.trainer import interruption

ROOT = pathlib.Path(__file__).parents[2]
# Starts a command as the script of its name does, and interrupts it where it imports a module.
PROGRAM = """
import importlib, os, signal, sys
_, module, moment = sys.argv
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = ["/usr/bin/dualcontrast-command", "--help"]
importlib.import_module(module).run()
"""


def commands() -> list[str]:
    """Returns the modules of all commands."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    return [line.partition("= ")[2].removesuffix(":run") for line in lines if line]


MOMENTS = [
    ("dualcontrast.trainer.train", "absl"),
    ("dualcontrast.tools.evaluate", "absl.flags"),
    ("dualcontrast.tools.convert", "numpy"),
    ("dualcontrast.tools.report", "absl.flags"),
]
ALL = [(m, moment) for m in commands() for moment in ("absl", "absl.flags", "absl.app")]


@pytest.mark.parametrize("moments", [MOMENTS, pytest.param(ALL, marks=pytest.mark.faults)])
def test_an_interrupt_while_a_command_starts_leaves_no_traceback(moments, count_faults):
    count_faults("interrupts of a start", len(moments))
    for module, moment in moments:
        command = [sys.executable, "-c", PROGRAM, module, moment]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", ""), (module, moment)


def test_a_library_that_catches_the_interrupt_does_not_make_a_traceback_of_it():
    program = """
import os, signal
from dualcontrast.trainer import errors
def main(argv):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt as error:
        raise RuntimeError("cancelled") from error
errors.run(main)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(
    "arguments, original, expected",
    [
        (["/usr/bin/dualcontrast-train", "--help"], ["python", "/usr/bin/dualcontrast-train"], 1),
        (["-m", "--help"], ["python", "-m", "dualcontrast.tools.evaluate", "--help"], 1),
        (["-m", "-m"], ["python", "-X", "dev", "-m", "dualcontrast.trainer.train", "-m"], 1),
        (["-m"], ["python", "-m", "pytest"], 0),
        (["/home/me/dualcontrast/study.py"], ["python", "/home/me/dualcontrast/study.py"], 0),
        ([""], ["python"], 0),
        ([], [], 0),
    ],
)
def test_only_a_command_of_this_project_is_ended_at_once(
    arguments, original, expected, monkeypatch
):
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(sys, "orig_argv", original)
    assert interruption.is_own_program() == bool(expected)
