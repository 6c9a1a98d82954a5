"""A zip of image files, or a folder inside of one."""

import functools
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import archive_names, source
from dualcontrast.tools.conversion.sources.source import Entry, Listing, Opener, Other
from dualcontrast.trainer.errors import UserError

_DATABASE = "data.mdb"  # LSUN's downloads are zips of a database.


@dataclass(frozen=True)
class Zip(source.Source):
    """The image files of a zip archive; of those below `folder`, if it has one."""

    path: str
    folder: str = ""
    has_folders = True

    def listing(self) -> Listing:
        """What there is, sorted by name; of members with one name every one.

        Raises:
          UserError: it is no zip, has no such folder, or a member lies outside.
        """
        found, others = [], []
        members = _archive(self.path).infolist()
        for member in members:
            archive_names.check(self.path, member.filename)
        archive_names.check_folder(self.path, self.folder, [one.filename for one in members])
        for place, member in enumerate(members):
            name = archive_names.inside(member.filename, self.folder)
            if not name:
                continue
            kind = source.other_kind(name)
            if not kind:
                found.append(Entry(name, place, member.file_size))
            elif not member.is_dir():
                others.append(Other(name, kind))
        if not found and any(other.name.endswith(_DATABASE) for other in others):
            raise UserError(
                f"--source={self.path} holds an LMDB database, which is read where it lies and not"
                f" inside a zip.\nUnpack it, and give its folder: unzip {self.path}"
            )
        found.sort(key=lambda entry: (entry.name, entry.place))
        return Listing(found, sorted(others))

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        for entry in entries:
            yield functools.partial(_open_member, self.path, entry.place)

    def inside(self, path: str) -> str:
        """Where in the archive, or its folder, a file lies; empty for one that lies elsewhere."""
        place = source.place_below(self.path, path)
        return archive_names.inside(place, self.folder) if place else ""

    def read(self, place: str) -> bytes:
        """Returns what a member holds that is no image.

        Raises:
          UserError: there is none, or it cannot be read.
        """
        name = f"{self.folder}/{place}" if self.folder else place
        names = _archive(self.path).namelist()
        if name not in names:
            raise UserError(
                f"{self.path} has no {name}; python -m zipfile -l {self.path} lists it."
            )
        try:
            with _open_member(self.path, names.index(name)) as file:
                return file.read()
        except Exception as error:  # As for an image: it is encrypted, or fails its checksum.
            raise UserError(f"{name} in {self.path} cannot be read: {error}") from error


@functools.lru_cache(maxsize=1)
def _archive(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(f"--source={path} cannot be read as a zip: {error}") from None


def _open_member(path: str, place: int) -> BinaryIO:
    archive = _archive(path)
    member = archive.infolist()[place]
    source.check_bytes(member.file_size)
    try:
        return archive.open(member)
    except Exception as error:  # Encrypted, an unknown method, a header that lies.
        raise Rejected(f"cannot be opened: {error}") from error
