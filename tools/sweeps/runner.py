"""Runs the trainings of a sweep, so many at a time, each in a process of its own."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable

from dualcontrast.tools.sweeps.sweep_file import Run
from dualcontrast.trainer import files, stopping
from dualcontrast.trainer.checkpoints import run_path

_LOOK_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class Manner:
    """How processes run.

    Attributes:
      jobs: at a time.
      threads: of each.
      niceness: that they give way to other programs by, 0 to 19.
    """

    jobs: int
    threads: int
    niceness: int


class Failed(Exception):
    """A run's command ended with another exit code than 0; the text says which, and why."""


def images_of(run: Run) -> int:
    """Returns the images that a run's log has seen."""
    rows = files.read_sound_rows(run.workdir / run_path.METRICS_NAME)
    return max((row.get("images_seen", 0) for row in rows), default=0)


def commands_left(run: Run) -> list[list[str]]:
    """Returns what is still to do for a run; nothing where it is complete."""
    left = []
    if not (run.workdir / "checkpoints" / f"images-{_last(run)}.index").exists():
        left.append(run.train)
    measured = [row.get("images_seen") for row in files.read_sound_rows(run.results)]
    # Of a sweep that was made longer there are measurements of the shorter run.
    if run.evaluate and _last(run) not in measured:
        left.append(run.evaluate)
    return left


def _last(run: Run) -> int:
    """Returns the images that a run has seen when it ends: of the last whole batch."""
    seen = images_of(run)
    return seen if seen >= run.images else run.images


class _Process:
    """A run under way."""

    def __init__(self, run: Run, manner: Manner):
        self.run, self._manner = run, manner
        self._left = commands_left(run)
        self.log = run.workdir.with_name(f"{run.workdir.name}.log")
        files.make_folder(self.log.parent)
        self._process = self._start()

    def _start(self) -> subprocess.Popen:
        own = {
            "TF_NUM_INTRAOP_THREADS": str(self._manner.threads),
            "TF_NUM_INTEROP_THREADS": "1",
            "OMP_NUM_THREADS": str(self._manner.threads),
        }
        with self.log.open("ab") as log:
            # In a session of its own: Ctrl-C reaches it once, through us.
            return subprocess.Popen(
                ["nice", "-n", str(self._manner.niceness), *self._left.pop(0)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **own},
                start_new_session=True,
            )

    def ended(self) -> bool:
        """Returns whether all its commands are done; starts the next one.

        Raises:
          Failed: a command failed.
        """
        code = self._process.poll()
        if code is None:
            return False
        if code:
            raise Failed(f"{self.run.name} ended with {code}: {_last_line(self.log)}")
        if not self._left:
            return True
        self._process = self._start()
        return False

    def stop(self) -> None:
        """Has it save and stop."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Waits for its end."""
        self._process.wait()


def _last_line(log: pathlib.Path) -> str:
    lines = files.read_bytes(log).decode("utf-8", "replace").split("\n")
    said = [line for line in lines if line.strip()]
    return f"{said[-1].strip()[:200] if said else 'it said nothing'} ({log})"


def run_all(
    runs: list[Run], manner: Manner, show: Callable[[list[Run]], None]
) -> tuple[list[str], int]:
    """Runs what is not complete; a run that fails stops none of the others.

    Args:
      runs: in the order in which they start.
      manner: of their processes.
      show: is called with the runs under way, now and then.

    Returns:
      What failed, a line each; and the number of the signal that stopped the sweep, 0 for none.
    """
    waiting = [run for run in runs if commands_left(run)]
    active: list[_Process] = []
    failures: list[str] = []
    with stopping.Stopping() as signals:
        while (waiting or active) and not signals.received:
            while waiting and len(active) < manner.jobs:
                active.append(_Process(waiting.pop(0), manner))
            active = [process for process in active if not _is_over(process, failures)]
            show([process.run for process in active])
            time.sleep(_LOOK_SECONDS)
        for process in active:
            process.stop()
        for process in active:
            process.wait()
        return failures, signals.received


def _is_over(process: _Process, failures: list[str]) -> bool:
    try:
        return process.ended()
    except Failed as failure:
        failures.append(str(failure))
        return True
