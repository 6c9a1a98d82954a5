"""Which forms of the operations a run computes with, so that its later starts take the same."""

import pathlib

from dualcontrast.custom_ops import implementation
from dualcontrast.trainer import files

FILE_NAME = "operations.json"


def impose(workdir: pathlib.Path) -> None:
    """Takes the forms that the run in `workdir` has computed with so far, if any.

    Call it before anything is traced.

    Raises:
      FileError: the record cannot be read.
    """
    try:
        recorded = files.read_object(workdir / FILE_NAME, {"forms": dict})
    except files.Missing:
        return
    implementation.impose(recorded)


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
