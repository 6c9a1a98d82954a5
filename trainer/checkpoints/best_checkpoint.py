"""The checkpoint with the smallest FID, in `WORKDIR/best`, beside those that come and go.

WORKDIR/best/best.json   the value, what was asked for it, and the checkpoint's name
WORKDIR/best/images-N    the checkpoint
"""

import pathlib
from typing import Any

import tensorflow as tf

from dualcontrast.trainer import errors, files, state
from dualcontrast.trainer.checkpoints import discovery, writing
from dualcontrast.trainer.errors import UserError

FOLDER = discovery.BEST_FOLDER
RECORD = "best.json"
FIELDS: files.Fields = {"fid": (int, float), "images_seen": int, "checkpoint": str}


class Best:
    """Keeps one checkpoint, `WORKDIR/best/images-N`.

    Args:
      workdir: of the run.
      run: the state to save.

    Raises:
      UserError: the record is damaged.
    """

    def __init__(self, workdir: pathlib.Path, run: state.State):
        self._folder, self._run = workdir / FOLDER, run
        self._kept = self._read()

    def offer(self, value: float, images_seen: int, request: str) -> float | None:
        """Saves the run's state if `value` is smaller than the best one.

        A best that was measured otherwise says nothing about this value, and gives way to it.

        Args:
          value: of the run as it is.
          images_seen: by the run.
          request: what was measured and how; see `trainer/evaluation/report.py`.

        Returns:
          The best value, or None when that is the new one.

        Raises:
          UserError: the disk refused; the best checkpoint is as it was.
        """
        kept = self._kept
        if kept and kept.get("request") != request:
            how = "with other images or features" if "request" in kept else "nobody knows how"
            print(
                f"{self._folder / kept['checkpoint']}, fid {kept['fid']:.5g}, was measured {how}:"
                " it cannot be compared and gives way",
                flush=True,
            )
        elif kept and value >= kept["fid"]:
            return kept["fid"]
        name = f"images-{images_seen}"
        try:
            files.make_folder(self._folder)
            writing.write(self._run.checkpoint(), self._folder / name)
            # The record comes last: a killed run leaves the old one, and its checkpoint.
            record = {"fid": value, "images_seen": images_seen, "request": request}
            record["checkpoint"] = name
            files.write_object(self._folder / RECORD, record)
        except (tf.errors.OpError, OSError) as error:
            raise UserError(
                f"the best checkpoint could not be written to {self._folder}: "
                f"{errors.first_line(error)}\nMake room, then run the same command again."
            ) from error
        for number in discovery.numbers(self._folder):  # the former best
            if number != images_seen:
                writing.remove(discovery.prefix_of(self._folder, number))
        self._kept = record
        return None

    def _read(self) -> dict[str, Any] | None:
        try:
            record = files.read_object(self._folder / RECORD, FIELDS)
        except files.Missing:
            return None
        fault = discovery.fault(self._folder / record["checkpoint"])
        if fault:
            print(f"the best checkpoint, {record['checkpoint']}, is damaged: {fault}", flush=True)
        return None if fault else record
