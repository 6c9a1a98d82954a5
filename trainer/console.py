"""Standard output and error that outlive whoever reads them.

A terminal that closes, `| head` that has seen enough, a full disk below `> log`: what is printed is
lost then, and nothing else is.
"""

import io
import os
import sys


class _Lasting(io.FileIO):
    """A file whose writes always succeed."""

    def write(self, content) -> int:
        try:
            # A part of it may be written; whoever buffers offers the rest again.
            return super().write(content) or len(content)
        except OSError:
            return len(content)


def outlive_readers() -> None:
    """Makes `print` succeed on both, for the rest of the process."""
    open_missing()
    # A test's or a notebook's own streams stay as they are.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _lasting(1, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _lasting(2, sys.stderr)


def open_missing() -> None:
    """Opens what was closed (`>&-`), or the next file to be opened would get what is printed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _lasting(descriptor: int, stream: io.TextIOWrapper | None) -> io.TextIOWrapper:
    if stream is not None:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(descriptor, "w", closefd=False)),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors="backslashreplace",  # a file's name may be no text at all
        line_buffering=stream.line_buffering if stream is not None else True,
    )
