"""A text file with the path of an image on each line."""

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dualcontrast.tools.conversion.sources import source
from dualcontrast.tools.conversion.sources.source import Entry, Listing, Opener
from dualcontrast.trainer import files

SUFFIX = ".txt"


@dataclass(frozen=True)
class PathList(source.Source):
    """The files that a list names, in its order; paths are relative to the folder of the list."""

    path: str
    has_folders = True

    def listing(self) -> Listing:
        """One entry a line that is not empty, whatever its suffix.

        Raises:
          UserError: the list cannot be read, or is no text.
        """
        content = files.read_bytes(self.path, "Expected a list of paths, one a line.")
        if b"\0" in content:
            raise source.unreadable(self.path, "a list of paths", "it is no text")
        lines = content.decode("utf-8-sig", "surrogateescape").split("\n")
        names = [line.rstrip("\r") for line in lines if line.rstrip("\r")]
        if not names:
            raise source.unreadable(self.path, "a list of paths", "it has no line with a path")
        return Listing(
            [Entry(name, n, source.size_of(self._at(name))) for n, name in enumerate(names)]
        )

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        for entry in entries:
            yield functools.partial(source.open_file, self._at(entry.name))

    def _at(self, name: str) -> Path:
        return Path(os.path.dirname(self.path), name)
