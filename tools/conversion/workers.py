"""Runs a function over many jobs on several processes, with a count of what is done.

The processes are started afresh (spawn): a fork of a process that uses TensorFlow can hang. They
end by themselves when the parent does, even if it was killed, so that none writes on unseen. One
that a unit of its work ended is replaced, and its job begun again without that unit.
"""

import collections
import contextlib
import itertools
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dualcontrast.trainer.errors import UserError

_POLL_SECONDS = 0.2
# What code that fails, or works for too long, ends its process with. Others come from outside.
_OWN_FAULTS = (
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL),
    signal.SIGVTALRM,
)

Step = Callable[[], None]
Lost = Mapping[int, signal.Signals]


def run(
    work: Callable, shared: object, jobs: Iterable, workers: int, on_count: Callable[[int], None]
) -> Iterator:
    """Yields `work(shared, job, step, lost)` for each job, in the order in which they finish.

    Args:
      work: a function of a module; it calls `step()` after each unit of its work, and leaves the
        units out that are in `lost`: number in the job -> signal by which they ended a process.
      shared: goes to every process once.
      jobs: small values, one a call; taken when there is a process for them, and one ahead.
      workers: processes; with one, everything runs in this process.
      on_count: receives the units done so far, several times a second.

    Raises:
      UserError: a process was killed from outside.
    """
    if workers == 1:
        yield from _run_here(work, shared, jobs, on_count)
    else:
        yield from run_apart(work, shared, jobs, workers, on_count)


def _run_here(work, shared, jobs, on_count) -> Iterator:
    count = 0

    def step():
        nonlocal count
        count += 1
        on_count(count)

    for job in jobs:
        yield work(shared, job, step, {})


@dataclass
class _Task:
    """A job and its units that ended a process."""

    job: Any
    lost: dict[int, signal.Signals] = field(default_factory=dict)


class _Worker:
    """A process, and the task that it has."""

    def __init__(self, work, shared, context):
        self._counter = context.RawValue("q", 0)
        self.pipe, other = context.Pipe()
        arguments = (work, shared, self._counter, other)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        other.close()
        self.task: _Task | None = None

    @property
    def count(self) -> int:
        """Units of the task that are done."""
        return self._counter.value if self.task else 0

    def give(self, task: _Task) -> None:
        """Hands on a task."""
        self._counter.value = 0
        self.task = task
        with contextlib.suppress(ConnectionError):  # It has died, as its pipe will say.
            self.pipe.send((task.job, task.lost))

    def mourn(self) -> None:
        """Notes the unit that ended the process.

        Raises:
          UserError: it was ended from outside, or again by the same unit.
        """
        self._process.join()
        number, unit = -(self._process.exitcode or 0), self.count
        if number not in _OWN_FAULTS or unit in self.task.lost:
            raise UserError(
                "A worker process was killed, perhaps for want of memory.\n"
                "Run the same command again to go on, with fewer --workers if it happens again."
            )
        self.task.lost[unit] = signal.Signals(number)

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._process.terminate()
        self._process.join()
        self.pipe.close()


class _Waiting:
    """The tasks that nobody has; one is ready while processes work."""

    def __init__(self, jobs: Iterable):
        self._jobs = iter(jobs)
        self._ready: collections.deque[_Task] = collections.deque()

    def __bool__(self) -> bool:
        if not self._ready:
            self._ready.extend(_Task(job) for job in itertools.islice(self._jobs, 1))
        return bool(self._ready)

    def take(self) -> _Task:
        """The next one."""
        return self._ready.popleft()

    def put_back(self, task: _Task) -> None:
        """Makes a task the next one again."""
        self._ready.appendleft(task)


def run_apart(
    work: Callable, shared: object, jobs: Iterable, workers: int, on_count: Callable[[int], None]
) -> Iterator:
    """Does what `run` does, and never in this process, nor in need of its main thread."""
    context = multiprocessing.get_context("spawn")
    waiting = _Waiting(jobs)
    pool: list[_Worker] = []
    finished = shown = 0
    try:
        while waiting or any(worker.task for worker in pool):
            for worker in pool:
                if worker.task is None and waiting:
                    worker.give(waiting.take())
            while len(pool) < workers and waiting:
                # Once it runs it is in the pool, so that an interruption ends it.
                with _no_interruption():
                    pool.append(_Worker(work, shared, context))
                pool[-1].give(waiting.take())
            busy = {worker.pipe: worker for worker in pool if worker.task}
            ready = multiprocessing.connection.wait(list(busy), _POLL_SECONDS)
            shown = max(shown, finished + sum(worker.count for worker in pool))
            on_count(shown)
            for worker in (busy[pipe] for pipe in ready):
                try:
                    result, error, where = worker.pipe.recv()
                except (EOFError, ConnectionError):
                    worker.mourn()
                    waiting.put_back(worker.task)
                    pool.remove(worker)
                    worker.end()
                    continue
                if error is not None:
                    raise error from RuntimeError(where)
                finished, worker.task = finished + worker.count, None
                yield result
    finally:
        for worker in pool:
            worker.end()


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


def _serve(work, shared, counter, pipe) -> None:
    """The life of a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def step():
        counter.value += 1

    with contextlib.suppress(EOFError):
        while True:
            job, lost = pipe.recv()
            answer: tuple[Any, Exception | None, str]
            try:
                answer = work(shared, job, step, lost), None, ""
            except Exception as error:  # Whatever it is, the parent deals with it.
                answer = None, error, traceback.format_exc()
            pipe.send(answer)


def _end_with_parent() -> None:
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
