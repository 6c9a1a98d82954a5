"""Keeps two processes from writing to one folder.

The lock is the system's, on a file in the folder: it goes with the process that holds it, however
that ends. The file says who holds it, for whoever comes second.
"""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from typing import IO

from dualcontrast.custom_ops import file_lock
from dualcontrast.trainer import files, locations
from dualcontrast.trainer.errors import UserError

_LOG = logging.getLogger(__name__)
_LONGEST_COMMAND = 120


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds a lock: a process, its machine, its command line, and since when."""

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since} ({self.command})"


@contextlib.contextmanager
def hold(path: pathlib.Path, what: str, advice: str) -> Iterator[bool]:
    """Holds a lock while its block runs, and removes the file then.

    Args:
      path: of the lock's file; its folder exists.
      what: the lock is for, with its verb: "RUN is being trained".
      advice: to whoever comes second.

    Yields:
      Whether nobody else can be at work: not where the file system has no locks, which is said.

    Raises:
      UserError: another process holds it; nothing was touched.
      OSError: the file cannot be made.
    """
    if locations.is_remote(path):
        _warn(path)
        yield False
        return
    file, locked = _acquire(path, what, advice)
    try:
        _sign(file)
        yield locked
    finally:
        # While it is held: whoever opened this file before finds that it is not in its place.
        path.unlink(missing_ok=True)
        file.close()


@contextlib.contextmanager
def output(folder: pathlib.Path) -> Iterator[None]:
    """Makes the folder of --output, and keeps others from writing there while its block runs.

    Raises:
      UserError: it cannot be made or written to, or another process is at work there.
    """
    what = f"--output={folder}"
    files.make_folder(folder, what)
    lock = hold(folder / "writing.lock", f"{what} is being written", "Wait, or give another one.")
    with contextlib.ExitStack() as stack:
        with files.writing(what):
            stack.enter_context(lock)
        yield


def _acquire(path: pathlib.Path, what: str, advice: str) -> tuple[IO, bool]:
    while True:
        # Not truncated: it may be another one's.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        file = open(descriptor, "r+", encoding="utf-8", errors="replace")
        try:
            locked = file_lock.acquire(file, wait=False)
        except BlockingIOError:
            with file:
                holder = _holder(file) or "another process"
            raise UserError(f"{what} by {holder}.\n{advice}") from None
        except OSError:
            file.close()
            raise
        if not locked:
            _warn(path)
        if not locked or _is_in_place(file, path):
            return file, locked
        file.close()


def _warn(path: pathlib.Path) -> None:
    _LOG.warning("%s cannot be locked here: let only one process write to its folder", path)


def _is_in_place(file: IO, path: pathlib.Path) -> bool:
    """Whether the file was not removed by its former holder between opening and locking."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sign(file: IO) -> None:
    command = shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
    if len(command) > _LONGEST_COMMAND:
        command = command[:_LONGEST_COMMAND] + "..."
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    holder = Holder(os.getpid(), socket.gethostname(), command, since)
    with contextlib.suppress(OSError):  # a full disk: it is locked all the same
        file.seek(0)
        file.truncate()
        json.dump(dataclasses.asdict(holder), file)
        file.flush()


def _holder(file: IO) -> Holder | None:
    try:
        return Holder(**json.loads(file.read()))
    except (OSError, ValueError, TypeError):
        return None
