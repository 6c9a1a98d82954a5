"""Paths of this machine, and of the file systems that TensorFlow opens, as in gs://BUCKET/FOLDER.

A path without a scheme is a `pathlib.Path` and all that one can do. One with a scheme has the same
methods where this project needs them, over `tf.io.gfile`. What it has not, no code may ask of it:
there are no locks, no folders that are renamed at once, and nothing is synced.
"""

import contextlib
import dataclasses
import errno
import fnmatch
import functools
import io
import os
import pathlib
import re
import threading
from collections.abc import Iterator
from typing import IO, cast

from dualcontrast.trainer import errors

# How long a file system may take for its first answer.
ANSWER_SECONDS = 60
_ANSWERED: set[str] = set()  # scheme://HOST of those that did

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# TensorFlow looks checkpoints up as patterns, and takes no escape; see literal_path.py.
_PATTERN = re.compile(r"[*?\[\\]")


def of(path: str | os.PathLike) -> pathlib.Path:
    """Returns the path that a text names; another path as it is.

    Args:
      path: local, or with a scheme.

    Returns:
      A `pathlib.Path`, or a `RemotePath`, which is used like one.

    Raises:
      UserError: TensorFlow knows no such scheme or would take the path for a pattern, or the file
        system there does not answer.
    """
    if isinstance(path, RemotePath):
        return cast(pathlib.Path, path)
    text = os.fspath(path)
    if not (scheme := scheme_of(text)):
        return pathlib.Path(text)
    if scheme not in (known := _schemes()):
        names = ", ".join(f"{name}://" for name in known)
        raise errors.UserError(
            f"{text} cannot be opened: TensorFlow knows no {scheme}:// here, only {names}.\n"
            "Give a path of one of those, or a local one."
        )
    if scheme == "file" and not text.startswith("file:///"):
        raise errors.UserError(
            f"{text} cannot be opened: what follows file:// is taken for a machine.\n"
            "Give three slashes, as in file:///home/me/runs, or a local path."
        )
    if found := _PATTERN.search(text):
        raise errors.UserError(
            f"{text} has a {found[0]!r}, which TensorFlow takes for a pattern.\n"
            "Give a path with a scheme other characters than * ? [ and \\."
        )
    _look(text)
    return cast(pathlib.Path, RemotePath(text))


def scheme_of(text: str) -> str:
    """Returns the scheme that a text begins with; empty for a local path."""
    match = _SCHEME.match(text)
    return match[1] if match else ""


def is_remote(path: str | os.PathLike) -> bool:
    """Whether a path is one of TensorFlow's file systems."""
    return isinstance(path, RemotePath)


def _look(url: str) -> None:
    """Looks at a path for the first time, within limits.

    TensorFlow tries ten times, two minutes each, and hears of no exception meanwhile.
    """
    root = "/".join(url.split("/", 3)[:3])
    if root in _ANSWERED:
        return
    exists = _tensorflow().io.gfile.exists

    def look():
        with contextlib.suppress(Exception):  # Whoever reads there says what is wrong.
            exists(url)

    asking = threading.Thread(target=look, daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    if asking.is_alive():
        raise errors.UserError(
            f"{url}: {root} does not answer within {ANSWER_SECONDS} seconds.\n"
            "See that this machine has a way to it, then run the same command again."
        )
    _ANSWERED.add(root)


def _schemes() -> list[str]:
    return sorted(filter(None, _tensorflow().io.gfile.get_registered_schemes()))


def _tensorflow():
    """Imports TensorFlow, which nothing local needs."""
    from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401
    import tensorflow

    return tensorflow


@dataclasses.dataclass(frozen=True)
class _Status:
    """What is known of a file, under the names of `os.stat_result`."""

    st_size: int
    st_mtime_ns: int

    @property
    def st_mtime(self) -> float:
        return self.st_mtime_ns / 1e9


@functools.total_ordering
class RemotePath(os.PathLike):
    """A path with a scheme; its methods do what those of `pathlib.Path` with their names do.

    Whatever the file system refuses is an `OSError`.

    Args:
      url: as in gs://BUCKET/FOLDER.
    """

    def __init__(self, url: str):
        scheme, _, place = url.partition("://")
        self._scheme, self._place = scheme, pathlib.PurePosixPath(place)

    def __fspath__(self) -> str:
        return f"{self._scheme}://{self._place}"

    __str__ = __fspath__

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __eq__(self, other) -> bool:
        return isinstance(other, RemotePath) and str(self) == str(other)

    def __lt__(self, other: "RemotePath") -> bool:
        return str(self) < str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __truediv__(self, name: str) -> "RemotePath":
        return self._of(self._place / name)

    @property
    def name(self) -> str:
        return self._place.name

    @property
    def stem(self) -> str:
        return self._place.stem

    @property
    def suffix(self) -> str:
        return self._place.suffix

    @property
    def parts(self) -> tuple[str, ...]:
        return (f"{self._scheme}://", *self._place.parts)

    @property
    def parent(self) -> "RemotePath":
        return self._of(self._place.parent)

    def with_name(self, name: str) -> "RemotePath":
        return self._of(self._place.with_name(name))

    def with_suffix(self, suffix: str) -> "RemotePath":
        return self._of(self._place.with_suffix(suffix))

    def absolute(self) -> "RemotePath":
        return self

    def resolve(self) -> "RemotePath":
        return self

    def exists(self) -> bool:
        with self._files() as files:
            return files.exists(str(self))

    def is_dir(self) -> bool:
        with self._files() as files:
            return files.isdir(str(self))

    def is_file(self) -> bool:
        return self.exists() and not self.is_dir()

    def is_symlink(self) -> bool:
        return False

    def stat(self) -> _Status:
        with self._files() as files:
            found = files.stat(str(self))
        return _Status(found.length, found.mtime_nsec)

    def iterdir(self) -> Iterator["RemotePath"]:
        with self._files() as files:
            names = files.listdir(str(self))
        # Object stores tell folders by a slash at the end.
        return (self / name.rstrip("/") for name in names)

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """Yields what matches in one folder: wildcards are for the last part only."""
        folder, _, wanted = pattern.rpartition("/")
        place = self / folder if folder else self
        found = list(place.iterdir()) if place.is_dir() else []
        return (path for path in found if fnmatch.fnmatchcase(path.name, wanted))

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        if self.exists():
            if exist_ok and self.is_dir():
                return
            raise _error(errno.EEXIST, self)
        with self._files() as files:
            files.makedirs(str(self)) if parents else files.mkdir(str(self))

    def rmdir(self) -> None:
        if any(self.iterdir()):
            raise _error(errno.ENOTEMPTY, self)
        self.rmtree()

    def rmtree(self) -> None:
        """Deletes a folder and all that is in it."""
        with self._files() as files:
            files.rmtree(str(self))

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            with self._files() as files:
                files.remove(str(self))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def replace(self, target: "RemotePath") -> "RemotePath":
        with self._files() as files:
            files.rename(str(self), str(target), overwrite=True)
        return target

    rename = replace  # as on POSIX

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Opens the file for reading; what is written comes as a whole, by `write_bytes`."""
        if mode != "rb":
            raise ValueError(f"expected the mode rb, got {mode}")
        if not self.is_file():
            raise _error(errno.EISDIR if self.is_dir() else errno.ENOENT, self)
        return io.BufferedReader(_Content(self), 1 << 20)

    def read_bytes(self) -> bytes:
        with self._files() as files, files.GFile(str(self), "rb") as file:
            return file.read()

    def write_bytes(self, content: bytes) -> None:
        self.unlink(missing_ok=True)  # ram:// would add to what is there
        with self._files() as files, files.GFile(str(self), "wb") as file:
            file.write(content)

    def _of(self, place: pathlib.PurePosixPath) -> "RemotePath":
        return RemotePath(f"{self._scheme}://{place}")

    @contextlib.contextmanager
    def _files(self) -> Iterator:
        """Gives tf.io.gfile, of which every refusal inside becomes an OSError."""
        with _refusals(self):
            yield _tensorflow().io.gfile


class _Content(io.RawIOBase):
    """The bytes of a file, from any place on."""

    def __init__(self, path: RemotePath):
        self._path, self._size = path, path.stat().st_size
        self._file = _tensorflow().io.gfile.GFile(str(path), "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        with _refusals(self._path):
            content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        with _refusals(self._path):
            self._file.seek(start + offset)
        return start + offset

    def tell(self) -> int:
        with _refusals(self._path):
            return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@contextlib.contextmanager
def _refusals(path: RemotePath) -> Iterator[None]:
    tf = _tensorflow()
    numbers = {
        tf.errors.AlreadyExistsError: errno.EEXIST,
        tf.errors.PermissionDeniedError: errno.EACCES,
        tf.errors.UnauthenticatedError: errno.EACCES,
        tf.errors.ResourceExhaustedError: errno.ENOSPC,
    }
    try:
        yield
    except tf.errors.NotFoundError as error:  # in the words of a local file
        raise _error(errno.ENOENT, path) from error
    except tf.errors.OpError as error:
        number = numbers.get(type(error), errno.EIO)
        raise OSError(number, errors.first_line(error), str(path)) from error


def _error(number: int, path: RemotePath) -> OSError:
    return OSError(number, os.strerror(number), str(path))
