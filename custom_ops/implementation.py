"""Which implementation of an operation runs: one choice for the process, one for a call.

    auto   what runs fastest here: "cuda" where there is a GPU and the kernels were built for it,
           else the fastest form of each operation, type and (of convolutions) shape, as measured
    cuda   the compiled operation on a GPU; of convolutions TensorFlow's own
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
    global _process
    before = _process
    select(impl)
    try:
        yield
    finally:
        _process = before


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
      operation: the name under which it is measured.
      dtype: of its tensors.
      impl: the call's choice; None is the process's.

    Raises:
      InvalidArgumentError: `impl` is none of `IMPLEMENTATIONS`, or cannot run here.
    """
    ops = _allowed(impl)
    if ops is None or not measures(impl):
        return ops
    if tf.config.list_physical_devices("GPU"):
        # float64 is for checking derivatives and has no CUDA kernel.
        return ops if ops.cuda and dtype != tf.float64 else None
    # Imported here: what is measured are the operations, which import this module.
    from dualcontrast.custom_ops import measure

    form = measured.fastest(
        f"{operation} {dtype.name}", lambda: measure.forms(operation, dtype), allowed=("ref", "cpu")
    )
    return ops if form == "cpu" else None


def on_cpu(impl: str | None = None) -> library.Library | None:
    """Returns the compiled operations, where a call may use those that only CPUs have.

    Args, Raises: as of `compiled`.
    """
    ops = _allowed(impl)
    asked = _process if impl is None else impl
    off_cpu = asked == "cuda" or (asked == "auto" and tf.config.list_physical_devices("GPU"))
    return None if off_cpu else ops


def convolutions(impl: str | None = None) -> str:
    """Returns the instructions that convolutions of ours run with; "ref": all are TensorFlow's."""
    ops = on_cpu(impl)
    return (ops.engine if ops else None) or "ref"


def measures(impl: str | None = None) -> bool:
    """Returns whether a call takes what was measured to be the fastest."""
    return (_process if impl is None else impl) == "auto"


def _allowed(impl: str | None) -> library.Library | None:
    impl = _process if impl is None else impl
    _check(impl)
    return None if impl == "ref" else library.load()


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
    known = measured.measurements()
    unsure = sum(not found.rounds for found in known.values())
    line = f"operations: the fastest form of each, {len(known)} known here, others are measured"
    if unsure:
        line += f"; {unsure} were measured on a busy machine: "
        line += f"{measured.COMMAND} --again=busy repeats them"
    return line


def bfloat16_note() -> str | None:
    """Returns a line on bfloat16 where this CPU has no instructions for it; else None."""
    if tf.config.list_physical_devices("GPU") or _CPU_BFLOAT16 & _cpu_flags():
        return None
    return (
        "bfloat16: this CPU has no instructions for it (AVX512_BF16, AMX) and may take ten times "
        "as long as for float32; type --config.training.precision=float32"
    )


def record() -> dict:
    """Returns what this process has used so far, for `impose` in a process that continues it."""
    return {"impl": _process, "convolutions": convolutions(), "forms": measured.used()}


def impose(recorded: dict) -> None:
    """Takes the forms of another process's `record`; what it does not name is measured."""
    measured.impose(recorded["forms"])


_CPU_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


def _cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = [line for line in file if line.startswith(("flags", "Features"))]
    except OSError:
        return set()
    return set(lines[0].split()) if lines else set()


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
