"""What a binary prints and how it exits when its user errs."""

import subprocess
import sys

import pytest

from dualcontrast.trainer import errors

PROGRAM = '''"""Counts.

    count --number=3
"""
import sys
from absl import flags
from dualcontrast.trainer import errors
NUMBER = flags.DEFINE_integer("number", 1, "how far to count")
def main(argv):
    if NUMBER.value == 2:
        raise errors.UserError("number=2 is taken: expected another, try --number=3")
    if NUMBER.value == 4:
        raise KeyboardInterrupt
    if NUMBER.value == 5:
        raise ZeroDivisionError("a mistake of ours")
    if NUMBER.value == 6:
        open("/nowhere/numbers")
    if NUMBER.value == 7:
        raise OSError(28, "No space left on device")
    if NUMBER.value == 8:
        raise OSError("cannot identify what a library was given")
    print("counted", NUMBER.value)
if __name__ == "__main__":
    errors.run(main)
'''


@pytest.fixture(name="run")
def _run(tmp_path):
    path = tmp_path / "count"
    path.write_text(PROGRAM)

    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, path, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_a_program_that_is_done_exits_with_0(run):
    result = run("--number=3")
    assert (result.returncode, result.stdout, result.stderr) == (0, "counted 3\n", "")


@pytest.mark.parametrize(
    "argument, expected",
    [
        ("--number=2", "number=2 is taken: expected another, try --number=3"),
        ("--number=x", "flag --number=x: invalid literal for int() with base 10: 'x'"),
        ("--numbr=3", "unknown flag --numbr: did you mean --number?"),
        ("--zzz=3", "unknown flag --zzz: --help lists the flags"),
    ],
)
def test_a_mistake_of_the_user_is_one_line_and_2(run, argument, expected):
    result = run(argument)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"count: error: {expected}\n"


@pytest.mark.parametrize(
    "number, words",
    [
        (6, "count: error: /nowhere/numbers: No such file or directory."),
        (7, "count: error: No space left on device."),
    ],
)
def test_what_the_system_refuses_is_two_lines_and_2_wherever_it_happens(run, number, words):
    result = run(f"--number={number}")
    lines = [words, "Mend that, then run the same command again."]
    assert (result.returncode, result.stderr.splitlines()) == (2, lines)


def test_a_mistake_of_ours_shows_where_it_happened(run):
    assert run("--number=8").returncode == 1  # the system refused nothing
    result = run("--number=5")
    assert result.returncode == 1
    assert "ZeroDivisionError: a mistake of ours" in result.stderr


def test_an_interruption_exits_with_130(run):
    assert run("--number=4").returncode == 130


def test_help_shows_the_docstring_and_the_flags(run):
    result = run("--help")
    assert result.returncode == 0
    assert "    count --number=3" in result.stdout
    assert "how far to count" in result.stdout


@pytest.mark.parametrize(
    "error, expected",
    [
        (ValueError("\n  first \nsecond"), "first "),
        (MemoryError(), "MemoryError"),
        (ValueError(" \n"), "ValueError"),
        (OSError("{{function_node f}} no place [Op:ReadFile]"), "no place"),
        (ValueError("p" * 300 + "reason"), "p" * 60 + " ... " + "p" * 129 + "reason"),
    ],
)
def test_of_an_error_the_first_line_is_told(error, expected):
    assert errors.first_line(error) == expected
