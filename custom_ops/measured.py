"""Which form of an operation is the fastest on this machine: measured once, and kept.

Forms take turns, the shortest of many times counts, and rounds in which other programs used the
processors are measured again. What was found is kept beside the library with how it was found; a
machine that stayed busy says so, and `python -m dualcontrast.custom_ops.measure` repeats it.
"""

import dataclasses
import fcntl
import json
import logging
import os
import pathlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping

import tensorflow as tf

from dualcontrast.custom_ops import busy, library

COMMAND = "python -m dualcontrast.custom_ops.measure"

Functions = Mapping[str, Callable[[], object]]

_ROUNDS = 3  # Clean ones that are wanted,
_MOST_ROUNDS = 6  # and all that are tried for them.
_ROUND_SECONDS = 0.1  # At least: the kernel counts in hundredths.
_BUSY = 0.06  # Share of one processor that others may use.
_HOPELESS = 2.0  # Times the fastest: measured no further.
_log = logging.getLogger("dualcontrast")
_lock = threading.RLock()
_found: dict[str, "Measurement"] | None = None  # by key and threads, None: not read yet
_used: dict[str, str] = {}
_imposed: dict[str, str] = {}


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What was found for one operation.

    Attributes:
      seconds: the shortest time of each form.
      rounds: clean ones; 0 where the machine stayed busy and the times are of busy rounds.
      rejected: rounds that were thrown away.
    """

    seconds: dict[str, float]
    rounds: int
    rejected: int

    def fastest(self, allowed: Iterable[str] | None = None) -> str:
        """Returns the fastest of the allowed forms, None: of all."""
        forms = self.seconds if allowed is None else [f for f in allowed if f in self.seconds]
        return min(forms, key=self.seconds.__getitem__)


def fastest(
    key: str,
    functions: Callable[[], Functions],
    allowed: tuple[str, ...],
    derivative: int = 0,
) -> str:
    """Returns the form that this process takes for a key; measures where that is not known.

    Args:
      key: the operation with all that its speed depends on but the number of threads.
      functions: makes a function for each form, which runs it once.
      allowed: the forms to choose from.
      derivative: a number that together with the key makes a choice of its own in the record.
    """
    name = f"{key}, derivative {derivative}" if derivative else key
    with _lock:
        chosen = _imposed.get(name)
        if chosen not in allowed:
            found = _measurements().get(with_threads(key))
            if found is None or not any(form in found.seconds for form in allowed):
                found = measure_and_keep(key, functions)
            chosen = found.fastest(allowed)
        _used[name] = chosen
        return chosen


def used() -> dict[str, str]:
    """Returns the form of every operation for which this process has made a choice, by key."""
    with _lock:
        return dict(sorted(_used.items()))


def impose(choices: Mapping[str, str]) -> None:
    """Makes choices of `used`, of another process, those of this one; others are measured."""
    with _lock:
        _imposed.update(choices)


def forget() -> None:
    """Drops everything that was measured, on the disk as well: it is measured again when needed."""
    global _found
    with _lock:
        _found = {}
        path = _path()
        if path:
            path.unlink(missing_ok=True)


def measurements() -> dict[str, Measurement]:
    """Returns all that is known of this machine, by key and number of threads."""
    with _lock:
        return dict(sorted(_measurements().items()))


def measure(functions: Functions) -> Measurement:
    """Times functions in turns."""
    clean: dict[str, float] = {}
    spoilt: dict[str, float] = {}
    rounds = rejected = 0
    repeats = {name: _repeats(function, len(functions)) for name, function in functions.items()}
    while rounds < _ROUNDS and rounds + rejected < _MOST_ROUNDS:
        before, started = busy.others_seconds(), time.perf_counter()
        times = {
            name: min(_time(functions[name]) for _ in range(count))
            for name, count in repeats.items()
        }
        elapsed = time.perf_counter() - started
        quiet = busy.others_seconds() - before <= _BUSY * elapsed + 0.01
        rounds, rejected = rounds + quiet, rejected + (not quiet)
        kept = clean if quiet else spoilt
        for name, seconds in times.items():
            kept[name] = min(seconds, kept.get(name, seconds))
        limit = _HOPELESS * min(times.values())
        repeats = {name: count for name, count in repeats.items() if times[name] <= limit}
    best = clean if rounds else spoilt
    return Measurement({name: float(f"{s:.3g}") for name, s in best.items()}, rounds, rejected)


def _repeats(function: Callable[[], object], forms: int) -> int:
    function()  # which may compile
    return max(1, min(20, int(_ROUND_SECONDS / forms / _time(function))))


def _time(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def measure_and_keep(key: str, functions: Callable[[], Functions]) -> Measurement:
    """Measures an operation now, whether or not it is known; for the arguments see `fastest`."""
    if not _measurements():
        _log.info("measuring forms of operations, once (some minutes for large networks)")
    results = []

    # A thread of its own starts outside of all that its caller may be in the middle of tracing.
    def work() -> None:
        try:
            with tf.device("CPU:0"):
                results.append(measure(functions()))
        except tf.errors.OpError as error:
            results.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if not isinstance(results[0], Measurement):
        raise results[0]
    _measurements()[with_threads(key)] = results[0]
    _keep({with_threads(key): results[0]})
    return results[0]


def with_threads(key: str) -> str:
    """Returns the key under which it is kept what was measured for a key."""
    return f"{key}, {threads()} threads"


def threads() -> int:
    """Returns the number of threads that an operation may use."""
    return tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))


# The file.


def _path() -> pathlib.Path | None:
    ops = library.load()
    return ops.path.with_name("measured.json") if ops else None


def _measurements() -> dict[str, Measurement]:
    global _found
    if _found is None:
        path = _path()
        _found = _read(path) if path else {}
    return _found


def _read(path: pathlib.Path) -> dict[str, Measurement]:
    try:
        return {key: Measurement(**value) for key, value in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # measured again


def _keep(new: dict[str, Measurement]) -> None:
    """Adds to the file, which other processes may be adding to."""
    path = _path()
    if path is None:
        return
    try:
        with open(path.with_suffix(".lock"), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = {**_read(path), **new}
            content = {key: dataclasses.asdict(value) for key, value in sorted(kept.items())}
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
                json.dump(content, file, indent=1)
            os.replace(file.name, path)
    except OSError as error:
        _log.warning("what was measured cannot be kept and is measured again: %s", error)
