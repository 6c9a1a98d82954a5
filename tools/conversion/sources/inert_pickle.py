"""Pickles of dictionaries with arrays of bytes, read without running what they ask for."""

import io
from typing import Any, BinaryIO

import numpy as np

from dualcontrast.tools.interchange import pickle_machine, pickled_arrays

# The largest file, of CIFAR-100's training images, has 155 MB.
_MOST_BYTES = 1 << 28


def read(file: BinaryIO) -> dict[str, Any]:
    """Returns the dictionary that a pickle of Python 2 or 3 holds.

    Raises:
      ValueError: it is no such pickle, is damaged, or asks for something to be run.
    """
    size = file.seek(0, io.SEEK_END)
    if size > _MOST_BYTES:
        raise ValueError(f"it has {size:,} bytes, expected {_MOST_BYTES:,} at the most")
    file.seek(0)
    # A file would make room for the bytes that it is asked for, whether it has them or not.
    content = io.BytesIO(file.read())
    found = pickle_machine.Machine(pickled_arrays.NAMES).read(content)
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}, expected a dictionary")
    return {_plain(key): _value(value) for key, value in found.items()}


def _value(value: Any) -> Any:
    if isinstance(value, pickled_arrays.Array):
        return _array(value)
    return [_plain(one) for one in value] if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> Any:
    """A name, which Python 2 has as bytes, or a number."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, (str, int)):
        raise ValueError(f"it has a {type(value).__name__}, expected a name or a number")
    return value


def _array(found: pickled_arrays.Array) -> np.ndarray:
    """uint8 of the shape that it is said to have."""
    array = pickled_arrays.value_of(found, "its array")
    if array.dtype != np.uint8:
        raise ValueError(f"it has an array of {array.dtype}, expected uint8")
    return array
