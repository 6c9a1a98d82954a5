"""What is printed is lost when nobody can read it, and nothing else is."""

import subprocess
import sys

import pytest

# Prints more than a pipe holds, then does what matters.
PROGRAM = """
import pathlib, sys
from dualcontrast.trainer import errors
def main(argv):
    for number in range(20_000):
        print("line", number, flush=True)
    print("warning", file=sys.stderr)
    pathlib.Path(argv[1]).write_text("done")
errors.run(main)
"""


@pytest.mark.parametrize(
    "ending",
    [
        "| head -n 1",
        ">&-",
        "2>&-",
        ">&- 2>&- <&-",
        "> /dev/full",
        "2> /dev/full > /dev/full",
        "2>&1 | true",
    ],
)
def test_a_program_outlives_whoever_reads_what_it_prints(ending, tmp_path):
    command = f'set -o pipefail; "$0" -c "$1" "$2" {ending}'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, PROGRAM, tmp_path / "result"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert (tmp_path / "result").read_text() == "done"


def test_a_mistake_keeps_its_exit_code_when_nobody_reads_it():
    program = "from dualcontrast.trainer import errors\nerrors.run(errors.no_arguments)"
    command = ["bash", "-c", '"$0" -c "$1" word 2>&-', sys.executable, program]
    assert subprocess.run(command, check=False, timeout=60).returncode == 2
