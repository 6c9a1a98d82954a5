"""Paths that TensorFlow takes for patterns, under a name in which there is none.

TensorFlow looks checkpoints up as patterns and then opens them as names, so that no escape serves
both: in a folder called `run[1]` it finds nothing of what it wrote there.
"""

import contextlib
import os
import pathlib
import re
from collections.abc import Iterator

from dualcontrast.trainer import locations

_PATTERN = re.compile(r"[*?\[\\\udc80-\udcff]")
_PLAIN = re.compile(r"[A-Za-z0-9_./ ~+=,:-]*")


@contextlib.contextmanager
def folder(path: str | os.PathLike) -> Iterator[str]:
    """Gives the path of a folder as text that TensorFlow takes as it is.

    A path with other characters than the usual ones is reached through an open descriptor, so that
    nothing is left behind by a process that is killed.

    Args:
      path: of a folder that exists; bytes that are no UTF-8 are allowed.

    Raises:
      OSError: there is no such folder.
    """
    text = os.fspath(path)
    if locations.is_remote(path) or _PLAIN.fullmatch(text):
        yield text
        return
    descriptor = os.open(text, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def inside(path: pathlib.Path) -> Iterator[str]:
    """Gives the path of something in a folder, such as a checkpoint, with a usual name of its own.

    Args:
      path: whose folder exists.

    Raises:
      OSError: there is no such folder.
    """
    with folder(path.parent) as place:
        yield f"{place}/{path.name}"


def is_loadable(path: str | os.PathLike) -> bool:
    """Whether TensorFlow can load a SavedModel from the path without our help."""
    return _PATTERN.search(os.fspath(path)) is None
