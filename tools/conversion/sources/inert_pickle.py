"""Pickles of dictionaries with arrays of bytes, read without running what they ask for.

A pickle names the functions that make it whole again. Of those only the three that make an array
are known here, and each is a class of this module that does nothing but keep what it is given.
"""

import pickle
from typing import Any, BinaryIO

import numpy as np

_ARRAY = ("_reconstruct", "ndarray", "dtype")
_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")


class _Kept:
    """An array, or its kind, as the pickle describes it."""

    def __init__(self, *arguments: Any):
        self.arguments = arguments
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _MODULES and name in _ARRAY:
            return _Kept
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not run")


def read(file: BinaryIO) -> dict[str, Any]:
    """Returns the dictionary that a pickle of Python 2 or 3 holds.

    Raises:
      ValueError: it is no such pickle, is damaged, or asks for something to be run.
    """
    try:
        found = _Unpickler(file, encoding="bytes").load()
        return {_text(key): _plain(value) for key, value in found.items()}
    except Exception as error:  # Whatever a damaged one leads to.
        raise ValueError(str(error).splitlines()[0] if str(error) else "it is damaged") from error


def _plain(value: Any) -> Any:
    if isinstance(value, _Kept):
        return _array(value)
    return [_text(one) for one in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _array(kept: _Kept) -> np.ndarray:
    """uint8 of the shape that it is said to have."""
    _, shape, kind, is_fortran, data = kept.state
    if _text(kind.arguments[0]) not in ("u1", "|u1"):
        raise ValueError(f"it has an array of {_text(kind.arguments[0])}, expected u1")
    return np.frombuffer(data, np.uint8).reshape(shape, order="F" if is_fortran else "C")
