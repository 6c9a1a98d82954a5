"""An LMDB database of image files, as LSUN comes."""

import functools
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import lmdb

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import source
from dualcontrast.tools.conversion.sources.source import Entry, Listing, Opener

DATA = "data.mdb"
_MAGIC, _MAGIC_AT = 0xBEEFC0DE.to_bytes(4, "little"), 16


@dataclass(frozen=True)
class Lmdb(source.Source):
    """The values of a database, whatever their keys; which are image files, decoding tells.

    It is opened for reading only, without its lock file: nobody writes to an LSUN.

    Attributes:
      path: a folder that holds data.mdb, or the file itself.
    """

    path: str

    def listing(self) -> Listing:
        """What there is, in the order of the keys, which are the names.

        Raises:
          UserError: it is no database, or is cut short.
        """
        try:
            with _environment(self.path).begin(buffers=True) as transaction:
                found = enumerate(transaction.cursor())
                return Listing([Entry(_name(k), n, len(v)) for n, (k, v) in found])
        except lmdb.Error as error:
            raise _unreadable(self.path, error) from error

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        with _environment(self.path).begin() as transaction:
            for entry in entries:
                yield functools.partial(_open_value, transaction, entry)


def is_lmdb(path: str) -> bool:
    """Whether a folder or a file is a database."""
    if os.path.isdir(path):
        return os.path.isfile(os.path.join(path, DATA))
    with open(path, "rb") as file:
        return file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC


@functools.lru_cache(maxsize=1)
def _environment(path: str) -> lmdb.Environment:
    is_folder = os.path.isdir(path)
    try:
        environment = lmdb.open(
            path, subdir=is_folder, readonly=True, lock=False, readahead=False, create=False
        )
    except lmdb.Error as error:
        raise _unreadable(path, error) from error
    # The library maps the file, and a page that is not there would end the process.
    size = source.size_of(Path(path) / DATA if is_folder else Path(path))
    expected = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if size < expected:
        environment.close()
        raise _unreadable(path, f"it is cut short, {size:,} bytes of {expected:,}")
    return environment


def _unreadable(path: str, why: object) -> source.UserError:
    return source.unreadable(path, "an LMDB database", f"{why}.\nFetch it, or unpack it, again")


def _name(key: bytes) -> str:
    return bytes(key).decode("utf-8", "surrogateescape")


def _open_value(transaction: lmdb.Transaction, entry: Entry) -> BinaryIO:
    source.check_bytes(entry.bytes)
    value = transaction.get(entry.name.encode("utf-8", "surrogateescape"))
    if value is None:
        raise Rejected("is no longer in the database")
    return io.BytesIO(value)
