"""The processes that tools/benchmark_peer.py has take turns: one for each side."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

from dualcontrast.tools.benchmarks import peer_worker
from dualcontrast.trainer.errors import UserError

# Memory that is freed stays in the process, as trainer/heap.py has it, but the same on both sides.
_TUNED_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(2**40),
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
}


class Process:
    """Runs the steps of a side in a process of its own, until the end of a `with`.

    Args:
      whose: named in errors.
      command: starts what speaks as peer_worker does.

    Attributes:
      runs: what computes there.
      parameters: how many each network has.
      processor_seconds: that the steps have used so far.

    Raises:
      UserError: the process fails; so does `run`.
    """

    def __init__(self, whose: str, command: list[str]):
        self._whose = whose
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # A checkout is left as it is.
            env={**os.environ, **_TUNED_MALLOC, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self.processor_seconds = 0.0
        described = self._answer()
        self.runs: str = described["runs"]
        self.parameters: dict[str, int] = described["parameters"]

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()  # which has nothing to save
        self._process.communicate()

    def run(self, step: str) -> None:
        """Runs a step, by its name in peer_worker.INTERVALS, and waits for its end."""
        with contextlib.suppress(BrokenPipeError):  # the answer will be missing
            self._process.stdin.write(f"{step}\n")
            self._process.stdin.flush()
        self.processor_seconds += self._answer()["processor_seconds"]

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        raise UserError(f"{self._whose} process failed, {self._how_it_ended()}")

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").split("\n")
        return f"{how}: {next((line for line in reversed(said) if line.strip()), 'without a word')}"


def ours(resolution: int, batch: int, threads: int) -> Process:
    """Returns the process of this project."""
    request = {"peer": None, "resolution": resolution, "batch": batch, "threads": threads}
    command = [sys.executable, "-m", peer_worker.__name__, json.dumps(request)]
    return Process("this project's", command)


def theirs(python: str, peer: str, resolution: int, batch: int, threads: int) -> Process:
    """Returns the process of the peer.

    Args:
      python: with PyTorch.
      peer: a checkout of stylegan2-ada-pytorch.
      resolution, batch: of the images.
      threads: of one operation.
    """
    request = {"peer": peer, "resolution": resolution, "batch": batch, "threads": threads}
    return Process("the peer's", [python, peer_worker.__file__, json.dumps(request)])
