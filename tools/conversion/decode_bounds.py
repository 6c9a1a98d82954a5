"""What one image may cost: seconds of computing and memory, beyond which it is rejected.

A small file can promise a great deal of work. Most decoders hand back to Python often enough to be
interrupted; one that does not is ended with its process, which the pool of workers replaces. Where
all work is done in one process (one worker), such a decoder can only be waited for.
"""

import contextlib
import multiprocessing
import os
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from dualcontrast.tools.conversion.rejected import Rejected

SECONDS, MEGABYTES = 30, 1024
# A decoder that cannot be interrupted gets so many times as long before its process is ended.
_PATIENCE = 1.5
_TICKS = 4  # In the time that an image may take, at least.
_MEGABYTE = 1 << 20


class _Late(BaseException):
    """Not an Exception: decoders catch those, and take them for faults of the image."""


@dataclass(frozen=True)
class Bounds:
    """What one image may cost.

    Attributes:
      seconds: of computing, all threads together; waiting for a disk does not count.
      megabytes: beside what the process has before.
    """

    seconds: float = SECONDS
    megabytes: int = MEGABYTES

    @contextlib.contextmanager
    def watching(self) -> Iterator["Watch"]:
        """Gives the watch over images, one after the other; in the main thread of a process only.

        A clock ticks all the time, which costs an image less than to wind one up for each.
        """
        with open("/proc/self/statm", "rb", buffering=0) as sizes:
            watch = Watch(self, sizes.fileno())
            handler = signal.signal(signal.SIGPROF, watch.tick)
            signal.setitimer(signal.ITIMER_PROF, watch.interval, watch.interval)
            watch.wind_up()
            try:
                yield watch
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                signal.signal(signal.SIGPROF, handler)

    def reason(self, ended_by: signal.Signals) -> str:
        """Returns why an image is rejected that ended a worker with a signal."""
        if ended_by == signal.SIGVTALRM:
            return self.too_long
        return f"makes its decoder fail ({ended_by.name})"

    @property
    def too_long(self) -> str:
        """Why an image is rejected that takes too long."""
        return f"takes longer than --image_seconds={self.seconds:g} to decode"

    @property
    def too_large(self) -> str:
        """Why an image is rejected that needs too much memory."""
        return f"needs more memory than --image_megabytes={self.megabytes} to decode"


class Watch:
    """Holds each block `with watch:` to the bounds of an image, or raises Rejected.

    What happens between the blocks is the source's own affair: it may import TensorFlow there.
    """

    def __init__(self, bounds: Bounds, sizes: int):
        self._bounds, self._sizes = bounds, sizes
        self._memory = resource.getrlimit(resource.RLIMIT_AS)
        self._running, self._ticks = False, 0
        self.interval = min(1.0, bounds.seconds / _TICKS)

    def __enter__(self) -> None:
        soft, hard = self._memory
        limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
        limit = min([self._size() + self._bounds.megabytes * _MEGABYTE, *limits])
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        self._ticks, self._running = 0, True

    def __exit__(self, kind, error, trace) -> None:
        self._running = False
        resource.setrlimit(resource.RLIMIT_AS, self._memory)
        if isinstance(error, _Late):
            raise Rejected(self._bounds.too_long) from None
        if isinstance(error, MemoryError):
            raise Rejected(self._bounds.too_large) from None

    def tick(self, number, frame) -> None:
        """Handles the signal of the clock."""
        self._ticks += 1
        self.wind_up()
        if self._running and self._ticks * self.interval > self._bounds.seconds:
            raise _Late

    def wind_up(self) -> None:
        """Puts the end of the process off."""
        if multiprocessing.parent_process() is not None:  # A worker, which can be replaced.
            signal.setitimer(signal.ITIMER_VIRTUAL, self._bounds.seconds * _PATIENCE)

    def _size(self) -> int:
        """Address space of this process, bytes."""
        pages = os.pread(self._sizes, 64, 0).split()[0]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
