"""What a warm start runs has all that `python -m` gives it, and ends as it does."""

import subprocess

import pytest

PROGRAM = """
import os, sys
print(sys.argv[1:], os.environ["GIVEN"], os.getcwd(), "tensorflow" in sys.modules)
print("an error", file=sys.stderr)
sys.exit(3)
"""


def test_a_module_has_its_arguments_environment_folder_files_and_exit_code(
    warm_start, tmp_path, monkeypatch
):
    (tmp_path / "shown.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    done = warm_start.run("shown", ["a b", "--c"], 60, {"GIVEN": "é"})
    assert done.returncode == 3
    assert done.stdout == f"['a b', '--c'] é {tmp_path} True\n"
    assert done.stderr == "an error\n"


def test_what_takes_too_long_is_killed_and_the_next_runs(warm_start, tmp_path, monkeypatch):
    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(60)\n")
    (tmp_path / "quick.py").write_text("print(1)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        warm_start.run("sleeper", [], 0.5)
    assert warm_start.run("quick", [], 60).stdout == "1\n"
