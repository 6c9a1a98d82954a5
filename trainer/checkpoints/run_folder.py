"""A run's folder belongs to one training process at a time."""

import contextlib
import json
import pathlib
from collections.abc import Iterator

from dualcontrast.trainer import folder_lock
from dualcontrast.trainer.checkpoints import discovery, writing
from dualcontrast.trainer.errors import UserError

LOCK_NAME = "training.lock"

# By name: a run may share its folder with files that are not ours. The numbers are of processes.
_LEFTOVERS = [
    f"{name}.[0-9]*.tmp"
    for name in (
        "config.json",
        "data.json",
        "environment.jsonl",
        "metrics.jsonl",
        "operations.json",
        "grids/*.png",
        "references/*.np[yz]",
        "references/*.json",
    )
]


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


def _sweep_former_best(folder: pathlib.Path) -> None:
    """Deletes what the best checkpoint has replaced; one that is newer may be all there is."""
    try:
        record = json.loads((folder / "best.json").read_text(encoding="utf-8"))
        best = folder / record["checkpoint"]
        newest = int(record["images_seen"])
    except (OSError, ValueError, TypeError, KeyError):
        return
    for number in discovery.numbers(folder):
        if number < newest and discovery.index_of(best).exists():
            writing.remove(discovery.prefix_of(folder, number))
