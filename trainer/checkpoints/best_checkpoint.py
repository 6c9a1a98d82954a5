"""The checkpoint with the smallest FID, in `WORKDIR/best`, beside those that come and go."""

import json
import pathlib
import shutil

import tensorflow as tf

from dualcontrast.trainer import files, state
from dualcontrast.trainer.errors import UserError

FOLDER = "best"
_RECORD = "best.json"


class Best:
    """Keeps one checkpoint, `WORKDIR/best/images-N`.

    Args:
      workdir: of the run.
      run: the state to save.
    """

    def __init__(self, workdir: pathlib.Path, run: state.State):
        self._folder, self._run = workdir / FOLDER, run
        self._value = self._read()

    def offer(self, value: float, images_seen: int) -> float | None:
        """Saves the run's state if `value` is smaller than the best one.

        Args:
          value: of the run as it is.
          images_seen: by the run.

        Returns:
          The best value, or None when that is the new one.

        Raises:
          UserError: the disk refused; the best checkpoint is as it was.
        """
        if self._value is not None and value >= self._value:
            return self._value
        name = f"images-{images_seen}"
        try:
            self._folder.mkdir(exist_ok=True)
            saved = self._run.checkpoint()
            saved.save_counter.assign(1)  # which `write` leaves out until somebody asks for it
            saved.write(str(self._folder / name))
            # The record comes last: a killed run leaves the old one, and its checkpoint.
            record = {"fid": value, "images_seen": images_seen, "checkpoint": name}
            files.write(self._folder / _RECORD, json.dumps(record) + "\n")
        except (tf.errors.OpError, OSError) as error:
            raise UserError(
                f"the best checkpoint could not be written to {self._folder}: "
                f"{str(error).splitlines()[0][:200]}\nMake room, then run the same command again."
            ) from error
        self._sweep(name)
        self._value = value
        return None

    def _sweep(self, name: str) -> None:
        """Deletes the former best checkpoint, and what a killed process left of another."""
        for path in self._folder.glob("images-*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.split(".")[0] != name:
                path.unlink()

    def _read(self) -> float | None:
        try:
            record = json.loads((self._folder / _RECORD).read_text(encoding="utf-8"))
            whole = (self._folder / f"{record['checkpoint']}.index").exists()
            return float(record["fid"]) if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
