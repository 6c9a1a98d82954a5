"""Whose derivatives operations carry while they are traced: their own, or TensorFlow's."""

import contextlib
from collections.abc import Iterator

_own = True


def are_own() -> bool:
    """Returns whether operations shall carry the faster derivatives that are written here."""
    return _own


@contextlib.contextmanager
def of_tensorflow() -> Iterator[None]:
    """Gives what is traced inside TensorFlow's own derivatives.

    They are slower, but a SavedModel keeps them: of others it warns on every load.
    """
    global _own
    before, _own = _own, False
    try:
        yield
    finally:
        _own = before
