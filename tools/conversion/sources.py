"""Where images come from: a folder, a zip, TensorFlow Datasets, or the renderer.

A source lists what it has (in the parent) and opens what is asked for (in a worker, to which it
travels by pickle). Nothing is ever unpacked to disk, and a name in an archive is only a name.
"""

import functools
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from dualcontrast.tools.conversion.pixel_formats import Rejected
from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer.errors import UserError

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
MAX_BYTES = 256 << 20  # Of one image file. A larger one is no picture, or was made to fill memory.

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True)
class Entry:
    """An image of a source: its name for people, its place in the source, its bytes."""

    name: str
    place: int
    bytes: int


class Source(Protocol):
    """What a source can do.

    Attributes:
      shuffles: whether its entries may be opened in any order at no cost.
    """

    shuffles: bool

    def entries(self) -> list[Entry]:
        """What there is, in an order that is always the same."""

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each of some entries a function that opens it, or raises Rejected."""


def fingerprint(entries: Iterable[Entry]) -> str:
    """Returns a hash of the names and sizes, to tell whether a source is still what it was."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(f"{entry.name}\0{entry.bytes}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@dataclass(frozen=True)
class Folder:
    """The image files of a folder and all below it; links to folders are not followed."""

    path: str
    shuffles = True

    def entries(self) -> list[Entry]:
        """What there is, sorted by path."""
        root = Path(self.path)
        found = []
        for folder, _, names in os.walk(root):
            for name in names:
                if name.lower().endswith(SUFFIXES):
                    found.append(os.path.relpath(os.path.join(folder, name), root))
        found.sort()
        return [Entry(name, place, _size(root / name)) for place, name in enumerate(found)]

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        for entry in entries:
            yield functools.partial(_open_file, Path(self.path) / entry.name)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _open_file(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # Opening a pipe would wait for ever.
            raise Rejected("is no regular file")
        _check_bytes(status.st_size)
        return open(path, "rb")
    except OSError as error:
        raise Rejected(f"cannot be opened: {error.strerror}") from error


def _check_bytes(size: int) -> None:
    if size > MAX_BYTES:
        raise Rejected(f"has {size:,} bytes, more than {MAX_BYTES:,}")


@dataclass(frozen=True)
class Zip:
    """The image files of a zip archive, by name."""

    path: str
    shuffles = True

    def entries(self) -> list[Entry]:
        """What there is, sorted by name; of members with one name every one."""
        members = enumerate(_archive(self.path).infolist())
        found = [
            Entry(member.filename, place, member.file_size)
            for place, member in members
            if member.filename.lower().endswith(SUFFIXES)
        ]
        return sorted(found, key=lambda entry: (entry.name, entry.place))

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        for entry in entries:
            yield functools.partial(_open_member, self.path, entry.place)


@functools.lru_cache(maxsize=1)
def _archive(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(f"--source={path} cannot be read as a zip: {error}") from None


def _open_member(path: str, place: int) -> BinaryIO:
    archive = _archive(path)
    member = archive.infolist()[place]
    _check_bytes(member.file_size)
    try:
        return archive.open(member)
    except Exception as error:  # Encrypted, an unknown method, a header that lies.
        raise Rejected(f"cannot be opened: {error}") from error


@dataclass(frozen=True)
class Scenes:
    """Rendered scenes (tools/scenes/scenes.py)."""

    count: int
    resolution: int
    seed: int
    shuffles = False

    def entries(self) -> list[Entry]:
        """One entry a scene; they are independent draws, so their order means nothing."""
        return [
            Entry(f"scene {place} of seed {self.seed}", place, 0) for place in range(self.count)
        ]

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that renders it."""
        for entry in entries:
            yield functools.partial(self._render, entry.place)

    def _render(self, index: int) -> BinaryIO:
        """The scene as a PPM file, which costs nothing to write and to read."""
        pixels = scenes.render(self.seed, index, self.resolution)
        return io.BytesIO(b"P6 %d %d 255\n" % ((self.resolution,) * 2) + pixels.tobytes())
