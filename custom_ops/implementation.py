"""Which implementation of an operation runs: one choice for the process, one for a call.

    auto   what runs fastest here: "cuda" where there is a GPU and the kernels were built for it,
           else "cpu" or "ref" for each operation and type, as measured when they were built
    cuda   the compiled operation on a GPU
    cpu    the compiled operation on the CPU
    ref    plain TensorFlow: runs everywhere, inside of jit_compile=True, and under
           tf.autodiff.ForwardAccumulator, which the compiled operations do not know

The process starts with the environment variable DUALCONTRAST_OPS, or else "auto".
"""

import contextlib
import logging
import os
from collections.abc import Iterator

import tensorflow as tf

from dualcontrast.custom_ops import library, measured
from dualcontrast.custom_ops.implementation_names import IMPLEMENTATIONS

_log = logging.getLogger("dualcontrast")
_process = os.environ.get("DUALCONTRAST_OPS", "auto")
_own_derivatives = True


def select(impl: str) -> None:
    """Makes `impl` the choice of the process, for every call that makes none.

    Functions that are already traced keep what they have.

    Raises:
      InvalidArgumentError: `impl` is none of `IMPLEMENTATIONS`, or cannot run here.
    """
    global _process
    _check(impl)
    _process = impl


@contextlib.contextmanager
def using(impl: str) -> Iterator[None]:
    """Makes `impl` the choice of the process for what is traced or run inside."""
    before = _process
    select(impl)
    try:
        yield
    finally:
        select(before)


@contextlib.contextmanager
def exportable() -> Iterator[None]:
    """Traces inside with TensorFlow's own operations and their own derivatives.

    These are slower, but a SavedModel keeps them: of others it warns on every load.
    """
    global _own_derivatives
    before, _own_derivatives = _own_derivatives, False
    try:
        with using("ref"):
            yield
    finally:
        _own_derivatives = before


def derivatives_are_own() -> bool:
    """Returns whether operations shall carry the faster derivatives that are written here."""
    return _own_derivatives


def compiled(operation: str, dtype: tf.DType, impl: str | None = None) -> library.Library | None:
    """Returns the compiled operations, where a call shall use them; None: it shall use `ref`.

    Args:
      operation: the name under which it was measured.
      dtype: of its tensors.
      impl: the call's choice; None is the process's.

    Raises:
      InvalidArgumentError: `impl` is none of `IMPLEMENTATIONS`, or cannot run here.
    """
    impl = _process if impl is None else impl
    _check(impl)
    if impl == "ref":
        return None
    ops = library.load()
    if impl != "auto" or ops is None:
        return ops
    if tf.config.list_physical_devices("GPU"):
        # float64 is for checking derivatives and has no CUDA kernel.
        return ops if ops.cuda and dtype != tf.float64 else None
    return ops if measured.gain(ops, operation, dtype) >= 1 else None


def device(impl: str | None = None) -> contextlib.AbstractContextManager:
    """Returns where a compiled operation runs: "cpu" keeps it off a GPU, anything else lets it."""
    impl = _process if impl is None else impl
    off_gpu = impl == "cpu" and tf.config.list_physical_devices("GPU")
    return tf.device("CPU:0") if off_gpu else contextlib.nullcontext()


def report() -> str:
    """Loads what the process will use, and returns a line that says what that is and why."""
    if _process != "auto":
        return f"operations: {_process}, as asked"
    ops = library.load()
    if ops is None:
        return f"operations: ref; {library.unavailable_because()}"
    if tf.config.list_physical_devices("GPU"):
        return f"operations: {'cuda' if ops.cuda else 'ref; no CUDA kernels were built'}"
    gains = measured.gains(ops)
    if not gains:
        return "operations: cpu, not measured against ref"
    choices = ", ".join(
        f"{name} {'cpu' if gain >= 1 else 'ref'} ({gain:.1f}x)" for name, gain in gains.items()
    )
    return f"operations: {choices}; times faster than ref, forward and backward, as measured here"


def _check(impl: str) -> None:
    if impl not in IMPLEMENTATIONS:
        raise tf.errors.InvalidArgumentError(
            None, None, f"impl must be one of {', '.join(IMPLEMENTATIONS)}, got {impl!r}"
        )
    if impl in ("auto", "ref"):
        return
    ops = library.load()
    if ops is None:
        _cannot_run(impl, library.unavailable_because())
    if impl == "cuda" and not ops.cuda:
        _cannot_run(impl, "no CUDA kernels were built; see python -m dualcontrast.custom_ops.build")
    if impl == "cuda" and not tf.config.list_physical_devices("GPU"):
        _cannot_run(impl, "TensorFlow sees no GPU")


def _cannot_run(impl: str, why: str) -> None:
    raise tf.errors.InvalidArgumentError(None, None, f"impl={impl!r} cannot run here: {why}")
