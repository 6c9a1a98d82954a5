"""The one place where small files are read and written: whole, or with an error that says which.

What the disk refuses, and what was cut or edited, is a `FileError` that names the file, so that no
caller has a case of its own to forget. Large files are read and written in pieces by whoever knows
them, inside of `reading` and `writing`.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from dualcontrast.trainer import locations
from dualcontrast.trainer.errors import UserError

Path = str | os.PathLike
# The fields that an object must have, and their types.
Fields = Mapping[str, type | tuple[type, ...]]
# Returns what else is wrong with an object that has its fields, as in "it names no image".
Check = Callable[[dict[str, Any]], str]

_MEND = "Mend that, then run the same command again."


class FileError(UserError):
    """A file that cannot be read or written, or that is damaged."""


class Missing(FileError):
    """There is no such file."""


@contextlib.contextmanager
def reading(what: Path, advice: str = _MEND) -> Iterator[None]:
    """Turns what the disk refuses inside into an error about `what`.

    Args:
      what: the path, or the flag and its value.
      advice: what to do next.

    Raises:
      Missing: there is no such file.
      FileError: it cannot be read.
    """
    try:
        yield
    except OSError as error:
        gone = isinstance(error, FileNotFoundError | NotADirectoryError)
        kind = Missing if gone else FileError
        raise kind(f"{what} cannot be read: {_reason(error)}.\n{advice}") from error


@contextlib.contextmanager
def writing(what: Path, advice: str = _MEND) -> Iterator[None]:
    """Turns what the disk refuses inside into an error about `what`, as `reading` does.

    Raises:
      FileError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise FileError(f"{what} cannot be written: {_reason(error)}.\n{advice}") from error


def damaged(what: Path, why: str, advice: str = "") -> FileError:
    """Returns the error about a file that says something else than it should.

    Args:
      what: the path, or the line of a file.
      why: as in "it is no JSON".
      advice: what to do next; to restore the file where there is nothing better.
    """
    advice = advice or "It was cut or edited: restore it from a copy, or move it away."
    return FileError(f"{what} is damaged: {why}.\n{advice}")


def read_bytes(path: Path, advice: str = _MEND) -> bytes:
    """Returns the content of a file.

    Raises:
      Missing, FileError: see `reading`.
    """
    with reading(path, advice):
        return locations.of(path).read_bytes()


def read_text(path: Path, advice: str = "") -> str:
    """Returns the text of a file in UTF-8.

    Args:
      path: of the file.
      advice: what to do when it is damaged.

    Raises:
      Missing, FileError: it cannot be read, or is not UTF-8.
    """
    content = read_bytes(path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(path, f"byte {error.start} is no UTF-8", advice) from error


def read_object(
    path: Path, fields: Fields | None = None, check: Check | None = None, advice: str = ""
) -> dict[str, Any]:
    """Returns the JSON object in a file.

    Args:
      path: of the file.
      fields: that it must have.
      check: what else it must be.
      advice: what to do when it is damaged.

    Raises:
      Missing, FileError: it cannot be read, is no such object, or lacks a field.
    """
    text = read_text(path, advice)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"it is no JSON ({error})", advice) from error
    if wrong := _misfit(found, fields, check):
        raise damaged(path, wrong, advice)
    return found


def read_rows(
    path: Path, fields: Fields | None = None, check: Check | None = None
) -> list[dict[str, Any]]:
    """Returns the objects of a file with one of JSON a line, none where there is no file.

    An unfinished last line is left out: a process may be writing it, or was killed while it did.

    Args:
      path: of the file.
      fields: that every object must have.
      check: what else it must be.

    Raises:
      FileError: it cannot be read, or a line is no such object.
    """
    rows = []
    for number, line in enumerate(_whole_lines(path), start=1):
        row, wrong = _row(line, fields, check)
        if wrong:
            advice = "Delete that line, or restore the file from a copy."
            raise damaged(f"{path}, line {number}", f"{wrong}: {_shown(line)}", advice)
        rows.append(row)
    return rows


def read_sound_rows(
    path: Path, fields: Fields | None = None, check: Check | None = None
) -> list[dict[str, Any]]:
    """Returns what `read_rows` does, without the lines that are damaged.

    Raises:
      FileError: the file cannot be read.
    """
    found = (_row(line, fields, check) for line in _whole_lines(path))
    return [row for row, wrong in found if not wrong]


def write(path: Path, content: bytes | str, advice: str = _MEND) -> None:
    """Writes a file under another name, brings it to the disk, and renames it.

    Args:
      path: of the file; its folder exists.
      content: bytes, or text for UTF-8; names of files that are not UTF-8 stay as they are.
      advice: what to do where the disk refuses.

    Raises:
      FileError: the folder may not be written to, or the disk is full; the old file is as it was.
    """
    path = locations.of(path)
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    # In the same folder, where a rename is atomic; the process's number keeps two writers apart.
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with writing(path, advice):
        try:
            _write_through(partial, content)
            partial.replace(path)
        except OSError:
            with contextlib.suppress(OSError):  # or it would hide what happened
                partial.unlink(missing_ok=True)
            raise


def write_object(path: Path, content: Mapping[str, Any], advice: str = _MEND) -> None:
    """Writes an object as JSON.

    Raises:
      FileError: see `write`.
    """
    write(path, json.dumps(content, indent=1) + "\n", advice)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], advice: str = _MEND) -> None:
    """Writes objects, one of JSON a line.

    Raises:
      FileError: see `write`.
    """
    write(path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows), advice)


def append(path: Path, row: Mapping[str, Any], advice: str = _MEND) -> None:
    """Adds an object as a line of JSON, whole or not at all.

    Args:
      path: of the file, made if need be.
      row: without NaN and infinity, which are no JSON.
      advice: what to do where the disk refuses.

    Raises:
      FileError: the disk refused; the file is as it was.
    """
    line = (json.dumps(row, allow_nan=False) + "\n").encode()
    if locations.is_remote(path):  # where nothing can be added to a file
        write(path, _mended(path) + line, advice)
        return
    with writing(path, advice):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            _append(descriptor, line)
        finally:
            os.close(descriptor)


def make_folder(path: Path, what: str = "", advice: str = _MEND) -> None:
    """Makes a folder and those above it, where they are missing.

    Args:
      path: of the folder.
      what: the flag and its value, where the user named it.
      advice: what to do where the disk refuses.

    Raises:
      FileError: it cannot be made.
    """
    with writing(what or path, advice):
        locations.of(path).mkdir(parents=True, exist_ok=True)


def remove_folder(path: Path) -> None:
    """Deletes a folder and what is in it, as far as that can be done."""
    if not locations.is_remote(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        locations.of(path).rmtree()  # type: ignore[attr-defined]


def _write_through(path: Path, content: bytes) -> None:
    """Writes a file and brings it to the disk."""
    if locations.is_remote(path):
        locations.of(path).write_bytes(content)
        return
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _append(descriptor: int, line: bytes) -> None:
    """Adds a line with one write, so that two processes cannot mix theirs."""
    end = _mended_end(descriptor)
    written = os.write(descriptor, line)
    try:
        while written < len(line):  # the disk is full, or says so at the next attempt
            written += os.write(descriptor, line[written:])
    except OSError:
        if os.fstat(descriptor).st_size == end + written:  # nobody else has added to it
            os.ftruncate(descriptor, end)
        raise


def _mended(path: Path) -> bytes:
    """Returns the lines of a file, without a last one that somebody did not write to its end."""
    try:
        content = read_bytes(path)
    except Missing:
        return b""
    whole, newline, unfinished = content.rpartition(b"\n")
    is_line = unfinished and not _row(unfinished, None, None)[1]
    return content + b"\n" if is_line else whole + newline


def _mended_end(descriptor: int) -> int:
    """Returns the size of a file of lines, whose last line a killed process may have cut."""
    size = os.fstat(descriptor).st_size
    start, tail = size, b""
    while start and b"\n" not in tail:
        block = min(start, 4096)
        start -= block
        tail = os.pread(descriptor, block, start) + tail
    unfinished = tail[tail.rfind(b"\n") + 1 :]
    if not unfinished:
        return size
    if not _row(unfinished, None, None)[1]:  # somebody's editor left out the newline
        os.write(descriptor, b"\n")
        return size + 1
    os.ftruncate(descriptor, size - len(unfinished))
    return size - len(unfinished)


def _whole_lines(path: Path) -> list[bytes]:
    try:
        content = read_bytes(path)
    except Missing:
        return []
    return content.split(b"\n")[:-1]


def _row(line: bytes, fields: Fields | None, check: Check | None) -> tuple[dict, str]:
    """Returns an object, and what is wrong with it; empty for nothing."""
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return {}, "it is no UTF-8"
    except (ValueError, RecursionError):
        return {}, "it is no JSON"
    return row, _misfit(row, fields, check)


def _misfit(found: Any, fields: Fields | None, check: Check | None) -> str:
    """Returns what keeps `found` from being such an object; empty for nothing."""
    if not isinstance(found, dict):
        return "it holds no JSON object"
    for name, kinds in (fields or {}).items():
        if name not in found:
            return f"it lacks the field {name}"
        # To Python, true is an int.
        if not isinstance(found[name], kinds) or (isinstance(found[name], bool) and kinds != bool):
            return f"its field {name} is {str(found[name])[:40]!r}"
    return check(found) if check else ""


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "replace"))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).splitlines()[0].rstrip(".")
