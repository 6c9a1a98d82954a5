"""What a run says about itself: a line on the screen, a line of JSON, TensorBoard summaries."""

import pathlib
from typing import Any

from dualcontrast.trainer import files, summaries
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.formatting import duration, short_number

_COLUMNS = 100


def progress_line(row: dict, total_images: int) -> str:
    """Returns the state of a run in at most 100 columns, without what has no room.

    Args:
      row: as written to metrics.jsonl; the lazy metrics may be missing.
      total_images: length of the run.
    """
    seen, rate = row["images_seen"], row["images_per_second"]
    left = duration((total_images - seen) / rate) if rate else "?"
    words = [
        f"{short_number(seen)}/{short_number(total_images)}",
        f"{short_number(rate)}/s",
        f"eta {left}",
        row["phase"],
    ]
    names = {
        "D": "loss/D",
        "G": "loss/G",
        "real": "logits/real",
        "fake": "logits/fake",
        "p": "ada/p",
        "r_t": "ada/r_t",
        "r1": "r1",
        "pl": "path_length",
    }
    line = " ".join(words)
    for word, name in names.items():
        longer = f"{line} {word} {short_number(row[name])}" if name in row else line
        line = longer if len(longer) <= _COLUMNS else line
    return line


class Log:
    """Writes metrics.jsonl and TensorBoard summaries; what a resumed run repeats is cut from both.

    Args:
      workdir: of the run.
      images_seen: what the run has seen; later lines are of steps that were never saved. None for
        a run that has no checkpoint: all there is was of one that began otherwise.

    Raises:
      UserError: metrics.jsonl is damaged, or the disk refused.
    """

    def __init__(self, workdir: pathlib.Path, images_seen: int | None):
        self._path = workdir / run_path.METRICS_NAME
        last = -1 if images_seen is None else images_seen
        kept = [row for row in rows(workdir) if row["images_seen"] <= last]
        if self._path.exists():
            files.write_rows(self._path, kept)
        self._summaries = summaries.Summaries(workdir / "tensorboard", last)

    def write(self, row: dict[str, Any]) -> None:
        """Writes one row of metrics at row["images_seen"].

        Raises:
          UserError: the disk refused.
        """
        files.append(self._path, row)
        scalars = {name: value for name, value in row.items() if isinstance(value, float)}
        self._summaries.scalars(scalars, row["images_seen"])

    def write_scalars(self, scalars: dict[str, float], images_seen: int) -> None:
        """Shows numbers in TensorBoard that have no place in metrics.jsonl."""
        self._summaries.scalars(scalars, images_seen)

    def write_picture(self, tag: str, png: bytes, images_seen: int) -> None:
        """Shows an encoded picture in TensorBoard."""
        self._summaries.picture(tag, png, images_seen)


def rows(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the rows of a run's metrics.jsonl, none where there is none.

    Raises:
      UserError: the file cannot be read, or a line of it is damaged.
    """
    return files.read_rows(workdir / run_path.METRICS_NAME, {"images_seen": int}, _wrong)


def _wrong(row: dict[str, Any]) -> str:
    for name, value in row.items():
        if name != "phase" and (isinstance(value, bool) or not isinstance(value, int | float)):
            return f"its field {name} is no number"
    return ""
