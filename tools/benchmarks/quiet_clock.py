"""Times functions while nothing else uses the machine."""

import time
from collections.abc import Callable

import numpy as np

from dualcontrast.custom_ops import busy

_BUSY = 0.06  # Share of one processor that others may use during a sample.
_PATIENCE_SECONDS = 300.0


class QuietClock:
    """Times functions in rounds, and a round again when other programs were at work.

    The functions take turns, so that a drift of the machine's speed meets them all.

    Args:
      rounds: clean samples of each function.
      others_seconds: returns the processor time that other programs have used; as it comes, all
        but this process's.

    Attributes:
      rejected: samples that were thrown away.
    """

    def __init__(self, rounds: int, others_seconds: Callable[[], float] | None = None):
        self._rounds = rounds
        self._others_seconds = others_seconds or busy.others_seconds
        self.rejected = 0

    def medians(self, functions: dict) -> dict | None:
        """Returns the median seconds of each function, or None when the machine stays busy.

        Args:
          functions: by name; those whose name is a tuple are judged one by one, the others, which
            take milliseconds, together.
        """
        return self._summaries(functions, np.median)

    def minima(self, functions: dict) -> dict | None:
        """Returns the least seconds of each function, as `medians` does the median ones."""
        return self._summaries(functions, np.min)

    def _summaries(self, functions: dict, summary: Callable) -> dict | None:
        samples: dict = {name: [] for name in functions}
        for function in functions.values():
            function()
        deadline = time.monotonic() + _PATIENCE_SECONDS * self._rounds
        # The kernel counts in hundredths of a second.
        blocks = [[name] for name in functions if isinstance(name, tuple)]
        blocks.append([name for name in functions if not isinstance(name, tuple)])
        for _ in range(self._rounds):
            for block in blocks:
                while (times := self._sample(functions, block)) is None:
                    if time.monotonic() > deadline:
                        return None
                for name, seconds in times.items():
                    samples[name].append(seconds)
        return {name: float(summary(values)) for name, values in samples.items()}

    def _sample(self, functions: dict, block: list) -> dict | None:
        others, started = self._others_seconds(), time.monotonic()
        times = {}
        for name in block:
            before = time.perf_counter()
            functions[name]()
            times[name] = time.perf_counter() - before
        elapsed = time.monotonic() - started
        if self._others_seconds() - others > _BUSY * elapsed + 0.02:
            self.rejected += 1
            return None
        return times
