"""What every kind of source can do: list what it has, and open what is asked for.

A source lists in the parent and opens in a worker, to which it travels by pickle. Nothing of an
archive is ever unpacked under its own name, and such a name is only a name.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.trainer.errors import UserError

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".heic", ".heif"),
    *(".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
)
MAX_BYTES = 256 << 20  # Of one image file. A larger one is no picture, or was made to fill memory.

_SHOWN = 5  # Kinds of other files that are named in a line.

Opener = Callable[[], BinaryIO]
# The names of classes, and the number of the class of every entry, in the order of the listing.
Labels = tuple[list[str], list[int]]


# Beside a file "x" that macOS copies to another file system lies "._x" with what it knows of it.
_APPLE_DOUBLE = "._"


@dataclass(frozen=True)
class Entry:
    """An image of a source: its name for people, its place in the source, its bytes, its class."""

    name: str
    place: int
    bytes: int
    label: int | None = None


class Other(NamedTuple):
    """Something of a source that is not looked at: its name, and of what kind it is."""

    name: str
    kind: str


@dataclass(frozen=True)
class Listing:
    """All that a source has.

    Attributes:
      entries: its images, in an order that is always the same. A folder that cannot be read is one,
        with a / behind its name: it may hold some.
      others: the rest, by name.
    """

    entries: list[Entry]
    others: list[Other] = field(default_factory=list)

    @property
    def passed_over(self) -> str:
        """The others in a few words, commonest first, each kind with a name; empty for none."""
        counts = Counter(other.kind for other in self.others)
        names = {other.kind: other.name for other in reversed(self.others)}
        kinds = [f"{n:,} {kind} ({names[kind]!r})" for kind, n in counts.most_common(_SHOWN)]
        rest = sum(counts.values()) - sum(n for _, n in counts.most_common(_SHOWN))
        return ", ".join(kinds + [f"{rest:,} more"] * bool(rest))


class Source:
    """What a source can do; kinds of sources say only what is not so.

    Attributes:
      shuffles: whether its entries are stored in a random order if that is asked for.
      streamed: whether it can only be read from its beginning on, in the order of its listing.
      has_folders: whether the names of its entries are paths.
      has_profiles: whether its entries are image files, in which there may be a colour profile.
    """

    shuffles = True
    streamed = False
    has_folders = False
    has_profiles = True

    def listing(self) -> Listing:
        """What there is."""
        raise NotImplementedError

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each of some entries a function that opens it, or raises Rejected.

        They are called one after the other, each before the next is asked for.
        """
        raise NotImplementedError

    def labels(self, wanted: str) -> Labels | None:
        """The labels of that name which the source itself has, one for each entry of its listing.

        Raises:
          UserError: it has such labels, and they cannot be used.
        """

    @property
    def label_names(self) -> tuple[str, ...]:
        """What `labels` can be asked for, as far as it is known."""
        return ()

    def inside(self, path: str) -> str:
        """Where in the source a file lies; empty for one that lies elsewhere."""
        return ""

    def read(self, place: str) -> bytes:
        """Returns what a file inside holds that is no image.

        Raises:
          UserError: there is none, or it cannot be read.
        """
        raise NotImplementedError


def fingerprint(entries: Iterable[Entry]) -> str:
    """Returns a hash of the names and sizes, to tell whether a source is still what it was."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(f"{entry.name}\0{entry.bytes}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def other_kind(path: str) -> str:
    """Returns what a file is by its name that is no image; empty for an image."""
    name = path.rpartition("/")[2]
    if name.startswith(_APPLE_DOUBLE):
        return "AppleDouble files"
    if name.lower().endswith(SUFFIXES):
        return ""
    suffix = os.path.splitext(name)[1].lower()
    return f"{suffix} files" if suffix else "files without a suffix"


def place_below(root: str, path: str) -> str:
    """Returns the path of a file relative to a folder or an archive; empty if it is not in it."""
    place = os.path.relpath(path, root)
    return "" if place == os.curdir or place.split("/")[0] == os.pardir else place


def open_file(path: Path) -> BinaryIO:
    """Opens an image file.

    Raises:
      Rejected: it cannot be opened, is too large, or is no regular file.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # Opening a pipe would wait for ever.
            raise Rejected("is no regular file")
        check_bytes(status.st_size)
        return open(path, "rb")
    except OSError as error:
        raise Rejected(f"cannot be opened: {error.strerror}") from error
    except ValueError as error:  # A zero in its name.
        raise Rejected(f"cannot be opened: {error}") from error


def size_of(path: Path) -> int:
    """Returns the bytes of a file, 0 for one that cannot be looked at."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def check_bytes(size: int) -> None:
    """Refuses an image file that is too large, before it is read.

    Raises:
      Rejected: it is.
    """
    if size > MAX_BYTES:
        raise Rejected(f"has {size:,} bytes, more than {MAX_BYTES:,}")


def unreadable(path: str, kind: str, why: object) -> UserError:
    """Returns the error about a source that is not what it seems to be."""
    return UserError(f"--source={path} cannot be read as {kind}: {why}.")
