"""Which form of an operation is the fastest on this machine: measured once, and kept.

Forms take turns, the shortest of many times counts, and rounds in which other programs used the
processors are thrown away and repeated. What was found is kept beside the library, with how many
rounds were quiet: none, where the machine stayed busy. `python -m dualcontrast.custom_ops.measure`
prints it and repeats it. Processes that start together measure once: one does, the others wait and
take what it found, so that all of a machine make the same choices.
"""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import tensorflow as tf

from dualcontrast.custom_ops import busy, file_lock, library

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
_depth = 0  # of blocks of `_alone`, which only the outermost locks for
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
            chosen = _known_or_measured(key, functions, allowed).fastest(allowed)
        _used[name] = chosen
        return chosen


def _known_or_measured(key: str, functions: Callable[[], Functions], allowed: tuple[str, ...]):
    def known() -> Measurement | None:
        found = _measurements().get(with_threads(key))
        return found if found and any(form in found.seconds for form in allowed) else None

    if found := known():
        return found
    with _alone():
        _read_again()  # another process may have found it in the meantime
        return known() or measure_and_keep(key, functions)


def used() -> dict[str, str]:
    """Returns the form of every operation for which this process has made a choice, by key."""
    with _lock:
        return dict(sorted(_used.items()))


def impose(choices: Mapping[str, str]) -> None:
    """Makes choices of `used`, of another process, those of this one; others are measured."""
    with _lock:
        _imposed.update(choices)


def measurements() -> dict[str, Measurement]:
    """Returns all that is known of this machine, by key with threads."""
    with _lock:
        return dict(sorted(_measurements().items()))


def measure(functions: Functions) -> Measurement:
    """Times functions in turns."""
    quiet_times: dict[str, float] = {}
    busy_times: dict[str, float] = {}
    rounds = rejected = 0
    repeats = {name: _repeats(function, len(functions)) for name, function in functions.items()}
    while rounds < _ROUNDS and rounds + rejected < _MOST_ROUNDS:
        times, quiet = _round(functions, repeats)
        rounds, rejected = rounds + quiet, rejected + (not quiet)
        kept = quiet_times if quiet else busy_times
        for name, seconds in times.items():
            kept[name] = min(seconds, kept.get(name, seconds))
        limit = _HOPELESS * min(times.values())
        repeats = {name: count for name, count in repeats.items() if times[name] <= limit}
    # A form that was given up in a busy round has no other time.
    best = {**busy_times, **quiet_times}
    return Measurement({name: float(f"{s:.3g}") for name, s in best.items()}, rounds, rejected)


def _round(functions: Functions, repeats: dict[str, int]) -> tuple[dict[str, float], bool]:
    """Returns the shortest time of each function, and whether the machine was quiet meanwhile."""
    others, started = busy.others_seconds(), time.perf_counter()
    times = dict.fromkeys(repeats, float("inf"))
    for turn in range(max(repeats.values())):
        for name, count in repeats.items():
            if turn < count:
                times[name] = min(times[name], _time(functions[name]))
    elapsed = time.perf_counter() - started
    return times, busy.others_seconds() - others <= _BUSY * elapsed + 0.01


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
    with _alone():
        _read_again()
        _measurements()[with_threads(key)] = results[0]
        _write()
    return results[0]


def with_threads(key: str) -> str:
    """Returns the key under which it is kept what was measured for a key."""
    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    return f"{key}, {threads()} threads" + (f", oneDNN {onednn}" if onednn else "")


def threads() -> int:
    """Returns the number of threads that an operation may use."""
    return tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))


# The file, beside the library; where there is none or it cannot be written, this process's memory.


def _path() -> pathlib.Path | None:
    ops = library.load()
    return ops.path.with_name("measured.json") if ops else None


def _measurements() -> dict[str, Measurement]:
    return _read_again() if _found is None else _found


def _read_again() -> dict[str, Measurement]:
    """Adds what other processes have found, whose word counts."""
    global _found
    path = _path()
    _found = {**(_found or {}), **(_read(path) if path else {})}
    return _found


def _read(path: pathlib.Path) -> dict[str, Measurement]:
    try:
        return {key: Measurement(**value) for key, value in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # measured again


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keeps other processes from measuring, which would disturb, and from writing."""
    global _depth
    with contextlib.ExitStack() as stack:
        path = _path()
        if path and not _depth:
            with contextlib.suppress(OSError):  # each process measures for itself
                file = stack.enter_context(open(path.with_suffix(".lock"), "wb"))
                file_lock.acquire(file, wait=True)
        _depth += 1
        try:
            yield
        finally:
            _depth -= 1


def _write() -> None:
    path = _path()
    if path is None:
        return
    try:
        content = {key: dataclasses.asdict(found) for key, found in measurements().items()}
        made = path.with_suffix(".tmp")
        made.write_text(json.dumps(content, indent=1))
        os.replace(made, path)
    except OSError as error:
        _log.warning("what was measured cannot be kept and is measured again: %s", error)
