"""Runs a function over many jobs on several processes, with a count of what is done.

The processes are started afresh (spawn): a fork of a process that uses TensorFlow can hang. They
end by themselves when the parent does, even if it was killed, so that none writes on unseen.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import types
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool

from dualcontrast.trainer.errors import UserError

_POLL_SECONDS = 0.2

Step = Callable[[], None]

# What every job of a worker process needs; `_start` puts it there.
_here = types.SimpleNamespace()


def run(
    work: Callable, shared: object, jobs: list, workers: int, on_count: Callable[[int], None]
) -> Iterator:
    """Yields `work(shared, job, step)` for each job, in the order in which they finish.

    Args:
      work: a function of a module; it calls `step()` after each unit of its work.
      shared: goes to every process once.
      jobs: small values, one a call.
      workers: processes; with one, everything runs in this process.
      on_count: receives the units done so far, several times a second.
    """
    if workers == 1 or len(jobs) <= 1:
        yield from _run_here(work, shared, jobs, on_count)
    else:
        yield from _run_apart(work, shared, jobs, min(workers, len(jobs)), on_count)


def _run_here(work, shared, jobs, on_count) -> Iterator:
    count = 0

    def step():
        nonlocal count
        count += 1
        on_count(count)

    for job in jobs:
        yield work(shared, job, step)


def _run_apart(work, shared, jobs, workers, on_count) -> Iterator:
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    pool = futures.ProcessPoolExecutor(workers, context, _start, (work, shared, counter))
    try:
        with _no_interruption():
            pending = {pool.submit(_call, job) for job in jobs}
        while pending:
            done, pending = futures.wait(pending, _POLL_SECONDS, futures.FIRST_COMPLETED)
            on_count(counter.value)
            for future in done:
                yield future.result()
    except BrokenProcessPool:
        raise UserError(
            "A worker process was killed, perhaps for want of memory.\n"
            "Run the same command again to go on, with fewer --workers if it happens again."
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
            process.join()


@contextlib.contextmanager
def _no_interruption() -> Iterator[None]:
    """Holds Ctrl-C back while processes start, for them for ever: the parent decides what it means.

    A process inherits which signals are blocked, so it has no moment in which it could be caught.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(work, shared, counter) -> None:
    """Prepares a worker process."""
    _here.work, _here.shared, _here.counter = work, shared, counter
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _call(job):
    return _here.work(_here.shared, job, _step)


def _step() -> None:
    with _here.counter.get_lock():
        _here.counter.value += 1
