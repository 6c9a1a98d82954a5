"""Following a run: every new checkpoint once, until the run is complete."""

import pathlib
import re
import time
from collections.abc import Callable

from dualcontrast.tools.evaluation.evaluated import Subject
from dualcontrast.tools.evaluation.evaluation_session import Session
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import report

_NAME = re.compile(r"images-(\d+)\.index")


def watch(
    session: Session,
    workdir: pathlib.Path,
    open_subject: Callable[[str], Subject],
    output: pathlib.Path,
    poll_seconds: float,
) -> None:
    """Measures each checkpoint of a run as it appears, oldest first, and returns after the last.

    A checkpoint whose results are in the file already, with the same request, is not measured
    again. The trainer deletes old checkpoints: one that goes while it waits is passed over.

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
    print(f"watching {workdir / checkpoint.FOLDER}; Ctrl-C ends it", flush=True)
    while True:
        # Asked before the look: a checkpoint written in between is found on the next round.
        complete = _is_complete(workdir, seen)
        new = sorted(_checkpoints(workdir) - seen)
        for images_seen in new:
            _evaluate(session, workdir, images_seen, open_subject, output)
            seen.add(images_seen)
        if complete and not new:
            return
        if not new:
            time.sleep(poll_seconds)


def _evaluate(session, workdir, images_seen, open_subject, output) -> None:
    prefix = workdir / checkpoint.FOLDER / f"images-{images_seen}"
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
        if prefix.with_name(prefix.name + ".index").exists():
            raise
        print(f"{prefix} is gone: {str(error).splitlines()[0]}", flush=True)
        return
    report.append(output, row)


def _checkpoints(workdir: pathlib.Path) -> set[int]:
    names = (path.name for path in (workdir / checkpoint.FOLDER).glob("images-*.index"))
    return {int(match[1]) for name in names if (match := _NAME.fullmatch(name))}


def _is_complete(workdir: pathlib.Path, seen: set[int]) -> bool:
    if not (workdir / checkpoint.CONFIG_NAME).exists():
        return False
    total = checkpoint.read_config(workdir).training.total_images
    return bool(seen) and max(seen) >= total
