"""Following a run: every new checkpoint once, until the run is complete."""

import pathlib
import time
from collections.abc import Callable, Iterator

from dualcontrast.tools.evaluation.evaluated import Subject
from dualcontrast.tools.evaluation.evaluation_session import Session
from dualcontrast.trainer import errors
from dualcontrast.trainer.checkpoints import checkpoint, discovery
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import report


def watch(
    session: Session,
    workdir: pathlib.Path,
    open_subject: Callable[[str], Subject],
    output: pathlib.Path,
    poll_seconds: float,
) -> None:
    """Measures each checkpoint of a run as it appears, oldest first, and returns after the last.

    A checkpoint whose results are in the file already, with the same request, is not measured
    again. The trainer deletes old checkpoints: one that goes while it waits is passed over, and so
    is one that is not whole, until it is.

    Args:
      session: what to measure.
      workdir: of the run, which may not have begun.
      open_subject: loads a checkpoint.
      output: file for the results.
      poll_seconds: between two looks.

    Raises:
      UserError: the results cannot be written, or cannot be had at all.
    """
    seen: set[int] = set()
    damaged: dict[int, object] = {}
    print(f"watching {workdir / discovery.FOLDER}; Ctrl-C ends it", flush=True)
    while True:
        # Asked before the look: a checkpoint written in between is found on the next round.
        complete = _is_complete(workdir, seen | damaged.keys())
        new = sorted(_whole(workdir, seen, damaged))
        for images_seen in new:
            _evaluate(session, workdir, images_seen, open_subject, output)
            seen.add(images_seen)
        if complete and not new:
            return
        if not new:
            time.sleep(poll_seconds)


def _evaluate(session, workdir, images_seen, open_subject, output) -> None:
    prefix = discovery.prefix_of(workdir / discovery.FOLDER, images_seen)
    try:
        subject = open_subject(str(prefix))
        asked = images_seen, session.request(subject.images)
        if any(
            (row.get("images_seen"), row.get("request")) == asked for row in report.rows(output)
        ):
            print(f"{prefix} is measured already", flush=True)
            return
        row = session.evaluate(subject)
    except UserError as error:
        if discovery.fault(prefix) is None:
            raise
        print(f"{prefix} is gone: {errors.first_line(error)}", flush=True)
        return
    report.append(output, row)


def _whole(workdir: pathlib.Path, seen: set[int], damaged: dict[int, object]) -> Iterator[int]:
    """Yields checkpoints that are new and whole.

    Args:
      workdir: of the run.
      seen: images seen by checkpoints that need no look.
      damaged: the others that were looked at, with what their files were like. They get another
        look when that changes: what is half there may be whole soon. Kept up to date.
    """
    folder = workdir / discovery.FOLDER
    for images_seen in set(discovery.numbers(folder)) - seen:
        prefix = discovery.prefix_of(folder, images_seen)
        state = discovery.state_of(prefix)
        # The index comes last and goes first: without it somebody is at work here.
        if not discovery.index_of(prefix).exists() or damaged.get(images_seen) == state:
            continue
        if (fault := discovery.fault(prefix)) is None:
            damaged.pop(images_seen, None)
            yield images_seen
            continue
        if images_seen not in damaged:
            print(f"{prefix} is passed over until it is whole: {fault}", flush=True)
        damaged[images_seen] = state


def _is_complete(workdir: pathlib.Path, seen: set[int]) -> bool:
    if not (workdir / checkpoint.CONFIG_NAME).exists():
        return False
    total = checkpoint.read_config(workdir).training.total_images
    return bool(seen) and max(seen) >= total
