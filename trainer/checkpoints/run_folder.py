"""A run's folder belongs to one training process at a time."""

import contextlib
import pathlib
import time
from collections.abc import Iterator

from dualcontrast.trainer import files, folder_lock
from dualcontrast.trainer.checkpoints import best_checkpoint, discovery, writing
from dualcontrast.trainer.errors import UserError

LOCK_NAME = "training.lock"

# By name: a run may share its folder with files that are not ours. The numbers are of processes.
_OWN = ("config.json", "data.json", "metrics.jsonl", "operations.json", "grids/*.png")
_LEFTOVERS = [*(f"{name}.[0-9]*.tmp" for name in _OWN), "tensorboard/*.tfevents.*.tmp"]
# An evaluation may be at work on these, on another machine even: what it writes is never so old.
_SHARED = "references/*.[0-9]*.tmp"
_DEAD_AFTER_SECONDS = 24 * 3600


@contextlib.contextmanager
def hold(workdir: pathlib.Path) -> Iterator[None]:
    """Keeps every other training out of a folder while its block runs.

    What killed processes left is swept first. A folder that the block leaves empty goes again.

    Args:
      workdir: made if need be.

    Raises:
      UserError: another process trains there, or the folder may not be written to.
    """
    made = not workdir.exists()
    with contextlib.ExitStack() as stack:
        try:
            workdir.mkdir(parents=True, exist_ok=True)
            if made:
                stack.callback(_remove_empty, workdir)
            lock = folder_lock.hold(
                workdir / LOCK_NAME,
                f"{workdir} is being trained",
                "Wait for it, stop it, or give another --workdir.",
            )
            if stack.enter_context(lock):  # else a living process may be writing them
                sweep(workdir)
        except OSError as error:
            raise UserError(f"--workdir={workdir} cannot be written to: {error.strerror}") from None
        yield


def _remove_empty(folder: pathlib.Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def sweep(workdir: pathlib.Path) -> None:
    """Deletes what killed processes left; no other process may be at work.

    Args:
      workdir: of a run.
    """
    for folder in (discovery.FOLDER, discovery.BEST_FOLDER):
        writing.sweep(workdir / folder)
    _sweep_former_best(workdir / discovery.BEST_FOLDER)
    for pattern in _LEFTOVERS:
        for leftover in workdir.glob(pattern):
            leftover.unlink(missing_ok=True)
    for leftover in workdir.glob(_SHARED):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > _DEAD_AFTER_SECONDS:
                leftover.unlink()


def _sweep_former_best(folder: pathlib.Path) -> None:
    """Deletes what the best checkpoint has replaced; one that is newer may be all there is."""
    try:
        record = files.read_object(folder / best_checkpoint.RECORD, best_checkpoint.FIELDS)
    except files.FileError:
        return
    if not discovery.index_of(folder / record["checkpoint"]).exists():
        return
    for number in discovery.numbers(folder):
        if number < record["images_seen"]:
            writing.remove(discovery.prefix_of(folder, number))
