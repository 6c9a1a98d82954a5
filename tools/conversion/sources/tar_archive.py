"""A tar of image files, or a folder inside of one; compressed or not.

Of a plain tar the headers are read once, and then each image where it lies. A compressed one can
only be read from its beginning on: once for the names, once for the images.
"""

import bz2
import functools
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import archive_names, source
from dualcontrast.tools.conversion.sources.source import Entry, Listing, Opener, Other
from dualcontrast.trainer.errors import UserError

_OPENERS: dict[bytes, Callable] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_FAULTS = (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError)
_MAGIC, _MAGIC_AT = b"ustar", 257


@dataclass(frozen=True)
class Tar(source.Source):
    """The image files of a tar archive; of those below `folder`, if it has one."""

    path: str
    folder: str = ""
    has_folders = True

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether it is compressed."""
        return _compression(self.path) is not None

    @property
    def shuffles(self) -> bool:  # type: ignore[override]
        """Whether its images can be read where they lie."""
        return not self.streamed

    def listing(self) -> Listing:
        """What there is, sorted by name; of a compressed archive in the order of its members.

        Raises:
          UserError: it is no tar, is cut short, has no such folder, or a member lies outside.
        """
        found, others, names = [], [], []
        for member in self._members():
            archive_names.check(self.path, member.name)
            names.append(member.name)
            name = archive_names.inside(member.name, self.folder)
            if not name or member.isdir():
                continue
            kind = source.other_kind(name) if member.isreg() else "links and devices"
            if member.issparse():
                kind = "sparse files"
            if kind:
                others.append(Other(name, kind))
            else:
                found.append(Entry(name, member.offset_data, member.size))
        archive_names.check_folder(self.path, self.folder, names)
        if not self.streamed:
            found.sort(key=lambda entry: (entry.name, entry.place))
        return Listing(found, sorted(others))

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it; of a compressed archive in its order only."""
        with _open(self.path) as file:
            for entry in entries:
                yield functools.partial(_open_part, self.path, file, entry)

    def inside(self, path: str) -> str:
        """Where in the archive, or its folder, a file lies; empty for one that lies elsewhere."""
        place = source.place_below(self.path, path)
        return archive_names.inside(place, self.folder) if place else ""

    def read(self, place: str) -> bytes:
        """Returns what a member holds that is no image.

        Raises:
          UserError: there is none, or it cannot be read.
        """
        for member, file in self._walk():
            if archive_names.inside(member.name, self.folder) == place and member.isreg():
                file.seek(member.offset_data)
                return file.read(min(member.size, source.MAX_BYTES))
        raise UserError(f"{self.path} has no {place}; tar -tf {self.path} lists it.")

    def _members(self) -> Iterator[tarfile.TarInfo]:
        return (member for member, _ in self._walk())

    def _walk(self) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
        """The members, and the file that they are in."""
        try:
            with _open(self.path) as file:
                watched = _Watched(file)
                with tarfile.open(fileobj=cast(BinaryIO, watched), mode="r:") as archive:
                    while (member := archive.next()) is not None:
                        yield member, file
                        # It would hold them all in memory.
                        archive.members.clear()  # type: ignore[attr-defined]
                # tarfile takes a file that ends between two members for a whole one.
                if watched.last != bytes(tarfile.BLOCKSIZE):
                    raise tarfile.ReadError("it ends, or is damaged, before its end marker")
        except _FAULTS as error:
            raise _unreadable(self.path, error) from error


class _Watched:
    """A file that remembers what was read of it last."""

    def __init__(self, file: BinaryIO):
        self._file, self.last = file, b""
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        """Returns what the file has next."""
        self.last = self._file.read(size)
        return self.last


def is_tar(path: Path) -> bool:
    """Whether a file is a tar by its content, compressed or not."""
    try:
        with _open(str(path)) as file:
            return file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC
    except (*_FAULTS, UserError):
        return False


def _compression(path: str) -> Callable | None:
    with open(path, "rb") as file:
        start = file.read(8)
    return next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)


def _open(path: str) -> BinaryIO:
    return (_compression(path) or open)(path, "rb")


def _open_part(path: str, file: BinaryIO, entry: Entry) -> BinaryIO:
    source.check_bytes(entry.bytes)
    try:
        file.seek(entry.place)
        content = file.read(entry.bytes)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        raise Rejected(f"cannot be read: {error}") from error
    if len(content) < entry.bytes:
        raise Rejected("is cut short: the archive ends inside it")
    return io.BytesIO(content)


def _unreadable(path: str, error: Exception) -> UserError:
    why = str(error).rstrip(".") or type(error).__name__
    return UserError(
        f"--source={path} cannot be read as a tar: {why}.\n"
        "If it was cut or damaged on its way, fetch it again."
    )
