"""Small files are whole or absent."""

import os
import subprocess
import sys

import pytest

from dualcontrast.trainer import files


@pytest.mark.parametrize("content", [b"\x00\xff", "grüße\n"])
def test_what_is_written_is_read(tmp_path, content):
    files.write(tmp_path / "file", content)
    expected = content if isinstance(content, bytes) else content.encode()
    assert (tmp_path / "file").read_bytes() == expected
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    script = (
        "import resource, signal, sys, pathlib; from dualcontrast.trainer import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "files.write(pathlib.Path(sys.argv[1]), b'x' * 10_000)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "OSError" in done.stderr and done.returncode == 1
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]
