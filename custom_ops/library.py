"""The compiled operations in this process: loaded at most once, or known to be unavailable."""

import ctypes
import dataclasses
import logging
import pathlib
import threading
import types

import tensorflow as tf

from dualcontrast.custom_ops import build

_log = logging.getLogger("dualcontrast")
_lock = threading.Lock()
_outcome = None  # of the one attempt: a Library, or the line that says why there is none


@dataclasses.dataclass(frozen=True)
class Library:
    """The loaded library.

    Attributes:
      ops: a Python function for each operation, as `tf.load_op_library` returns it.
      cuda: whether the operations have CUDA kernels.
      path: the shared object.
      engine: the instruction set that convolutions run with; None where this CPU has none for them.
    """

    ops: types.ModuleType
    cuda: bool
    path: pathlib.Path
    engine: str | None = None


def load() -> Library | None:
    """Returns the compiled operations; the first call may compile them, which takes a minute.

    It never raises. When they cannot be had, the first call warns in one line through the logger
    "dualcontrast", and all calls of this process return None.
    """
    global _outcome
    with _lock:
        if _outcome is None:
            _outcome = _load()
    return _outcome if isinstance(_outcome, Library) else None


def unavailable_because() -> str | None:
    """Returns in one line why `load` returned None; None if it did not, or was not called yet."""
    return _outcome if isinstance(_outcome, str) else None


def _load() -> Library | str:
    try:
        built = build.build()
        ops = tf.load_op_library(str(built.library))
    except Exception as error:  # whatever it is, TensorFlow can compute without the operations
        known = isinstance(error, (build.BuildError, tf.errors.OpError))
        because = " ".join((str(error) if known else repr(error)).split())
        _log.warning("no compiled operations, TensorFlow computes in their place: %s", because)
        return because
    return Library(ops, built.cuda, built.library, _engine(built.library))


def _engine(path: pathlib.Path) -> str | None:
    try:
        function = ctypes.CDLL(str(path)).dualcontrast_conv2d_engine
    except AttributeError:
        return None
    function.restype = ctypes.c_char_p
    name = function().decode()
    if name != "none":
        return name
    _log.warning("TensorFlow computes all convolutions: this CPU has neither AVX2 nor AVX-512")
    return None
