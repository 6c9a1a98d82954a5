"""A folder of image files."""

import functools
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import source
from dualcontrast.tools.conversion.sources.source import Entry, Listing, Opener, Other
from dualcontrast.trainer.errors import UserError


@dataclass(frozen=True)
class Folder(source.Source):
    """The image files of a folder and all below it; links to folders are not followed.

    The one reader of folders: whatever it meets is in its listing.
    """

    path: str
    has_folders = True

    def listing(self) -> Listing:
        """What there is, sorted by path.

        Raises:
          UserError: the folder itself cannot be read.
        """
        root, found, others = Path(self.path), [], []

        def note(error: OSError) -> None:
            if Path(error.filename) == root:
                raise UserError(f"{self.path} cannot be read: {error.strerror}") from error
            found.append(os.path.relpath(error.filename, root) + "/")

        for folder, below, names in os.walk(root, onerror=note):
            inside = os.path.relpath(folder, root)
            for name in below:
                if os.path.islink(os.path.join(folder, name)):
                    others.append(Other(_joined(inside, name), "linked folders"))
            for name in names:
                kind = source.other_kind(name)
                if kind:
                    others.append(Other(_joined(inside, name), kind))
                else:
                    found.append(_joined(inside, name))
        found.sort()
        entries = [Entry(name, n, source.size_of(root / name)) for n, name in enumerate(found)]
        return Listing(entries, sorted(others))

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it.

        Raises:
          UserError: the folder is not here: a disk has gone, or another machine has none.
        """
        if not os.path.isdir(self.path):
            raise UserError(f"{self.path} is no folder on {socket.gethostname()}")
        for entry in entries:
            path = os.path.join(self.path, entry.name)
            if entry.name.endswith("/"):
                yield functools.partial(_refuse_folder, path)
            else:
                yield functools.partial(source.open_file, Path(path))

    def inside(self, path: str) -> str:
        """Where below the folder a file lies; empty for one that lies elsewhere."""
        return source.place_below(self.path, path)

    def read(self, place: str) -> bytes:
        """Returns what a file below the folder holds."""
        return (Path(self.path) / place).read_bytes()


def _joined(folder: str, name: str) -> str:
    return name if folder == os.curdir else os.path.join(folder, name)


def _refuse_folder(path: str) -> BinaryIO:
    try:
        with os.scandir(path):
            reason = "it could not when it was listed"
    except OSError as error:
        reason = error.strerror
    raise Rejected(f"is a folder that cannot be read: {reason}")
