"""Ctrl-C in a binary: exit code 130 and no traceback, whatever it was doing."""

import os
import signal
import sys

EXIT_CODE = 128 + signal.SIGINT
_noted = False


def at_once() -> None:
    """Makes Ctrl-C end the process: while it imports, and when it is done, nothing is lost."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(EXIT_CODE))


def as_exception() -> None:
    """Makes Ctrl-C raise KeyboardInterrupt, and remembers it: libraries turn it into others."""
    signal.signal(signal.SIGINT, _raise)


def noted() -> bool:
    """Whether Ctrl-C has raised an exception."""
    return _noted


def is_own_program() -> bool:
    """Whether this process is a binary of this project, and no user of its packages."""
    # While Python looks for the module of `python -m`, that stands in place of its path.
    if sys.argv[:1] == ["-m"] and "-m" in sys.orig_argv[:-1]:
        return sys.orig_argv[sys.orig_argv.index("-m") + 1].startswith("dualcontrast.")
    return os.path.basename(sys.argv[0] if sys.argv else "").startswith("dualcontrast-")


def _raise(*_) -> None:
    global _noted
    _noted = True
    raise KeyboardInterrupt
