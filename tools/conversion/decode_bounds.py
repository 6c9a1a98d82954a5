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
    def held(self) -> Iterator[None]:
        """Holds its block to the bounds; in the main thread of a process only.

        Raises:
          Rejected: the block went beyond one.
        """
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (self._most_memory(*before), before[1]))
        handler = signal.signal(signal.SIGPROF, _interrupt)
        if multiprocessing.parent_process() is not None:  # A worker, which can be replaced.
            signal.setitimer(signal.ITIMER_VIRTUAL, self.seconds * _PATIENCE)
        signal.setitimer(signal.ITIMER_PROF, self.seconds)
        try:
            yield
        except _Late:
            raise Rejected(self._too_long) from None
        except MemoryError:
            raise Rejected(
                f"needs more memory than --image_megabytes={self.megabytes} to decode"
            ) from None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGPROF, handler)
            resource.setrlimit(resource.RLIMIT_AS, before)

    def reason(self, ended_by: signal.Signals) -> str:
        """Returns why an image is rejected that ended a worker with a signal."""
        if ended_by == signal.SIGVTALRM:
            return self._too_long
        return f"makes its decoder fail ({ended_by.name})"

    @property
    def _too_long(self) -> str:
        return f"takes longer than --image_seconds={self.seconds:g} to decode"

    def _most_memory(self, soft: int, hard: int) -> int:
        limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
        return min([_size() + self.megabytes * _MEGABYTE, *limits])


def _interrupt(number, frame) -> None:
    raise _Late


def _size() -> int:
    """Address space of this process, bytes."""
    with open("/proc/self/statm", "rb", buffering=0) as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
