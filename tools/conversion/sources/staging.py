"""Sources that can only be read from their beginning on, for workers who take parts of them.

One pass goes through such a source and puts the images of each part into a file, under no name of
theirs. Only as many such files are there as workers wait for, and each goes when its part is done.
"""

import functools
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import source
from dualcontrast.tools.conversion.sources.source import Entry, Opener, Source

# Of the images of a part, so that the files stay small beside the source.
PART_BYTES = 256 << 20


class Part(NamedTuple):
    """Some entries, and what they can be opened from."""

    source: Source
    entries: Sequence[Entry]


def parts(whole: Source, cut: Sequence[Sequence[Entry]], paths: Iterable[Path]) -> Iterator[Part]:
    """Yields the parts of a source, each ready for a worker.

    Args:
      whole: of any kind.
      cut: the entries of each part; of a source that is streamed, in its order.
      paths: where the images of each part may be put; whoever is done with a part deletes it.

    Raises:
      UserError: the source cannot be read on.
    """
    if not whole.streamed:
        yield from (Part(whole, entries) for entries in cut)
        return
    openers = whole.openers(list(itertools.chain(*cut)))
    for entries, path in zip(cut, paths):
        yield Part(_put_down(itertools.islice(openers, len(entries)), path), entries)


def _put_down(openers: Iterable[Opener], path: Path) -> "Staged":
    contents: list[tuple[int, int] | str] = []
    with open(path, "wb") as file:
        for opener in openers:
            try:
                with opener() as image:
                    contents.append((file.tell(), file.write(image.read())))
            except Rejected as why:
                contents.append(str(why))
    return Staged(str(path), tuple(contents))


@dataclass(frozen=True)
class Staged(source.Source):
    """The images of one part.

    Attributes:
      path: of the file with their contents, one behind the other.
      contents: where each begins and its bytes, or why it is rejected.
    """

    path: str
    contents: tuple[tuple[int, int] | str, ...]

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry of the part a function that opens it."""
        with open(self.path, "rb") as file:
            for content, _ in zip(self.contents, entries, strict=True):
                yield functools.partial(_open, file, content)


def _open(file: BinaryIO, content: tuple[int, int] | str) -> BinaryIO:
    if isinstance(content, str):
        raise Rejected(content)
    start, size = content
    file.seek(start)
    return io.BytesIO(file.read(size))
