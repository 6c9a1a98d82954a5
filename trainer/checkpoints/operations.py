"""Which forms of the operations a run computes with, so that its later starts take the same."""

import pathlib
from typing import Any

from dualcontrast.custom_ops import implementation
from dualcontrast.trainer import files

FILE_NAME = "operations.json"


def read(workdir: pathlib.Path) -> dict[str, Any]:
    """Returns the record of the forms that the run in `workdir` has computed with so far, if any.

    `implementation.impose` takes it, before anything is traced.

    Raises:
      FileError: the record cannot be read.
    """
    try:
        return files.read_object(workdir / FILE_NAME, {"forms": dict})
    except files.Missing:
        return {"forms": {}}


def record(workdir: pathlib.Path) -> None:
    """Writes what this process has computed with, where that is more than what is recorded.

    Raises:
      FileError: the record cannot be written.
    """
    found = implementation.record()
    try:
        if files.read_object(workdir / FILE_NAME) == found:
            return
    except files.Missing:
        pass
    files.write_object(workdir / FILE_NAME, found)
