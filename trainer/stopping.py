"""How a run is asked to end: by a signal, after the iteration and with a checkpoint."""

import contextlib
import os
import signal
from collections.abc import Iterator

# Ctrl-C; the end of a terminal; what schedulers and service managers send, most of them some time
# before they kill: SIGUSR1 and SIGUSR2 by choice, SIGXCPU for a limit of processor time.
_ASKING = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)


class Stopping:
    """Turns signals into a wish to stop.

    A second SIGINT ends the process at once, but for a save under way. Nothing else does: a
    scheduler that asks twice, or in two ways, is no user who is in a hurry.

    Attributes:
      received: number of the first signal; 0 for none.
    """

    def __init__(self):
        self.received = 0
        self._interrupts = 0
        self._is_saving = False

    def __enter__(self) -> "Stopping":
        wanted = [number for number in _ASKING if not _is_under_nohup(number)]
        self._old = {number: signal.signal(number, self._note) for number in wanted}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._old.items():
            # None is a handler that is not Python's, and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Keeps the process from being ended inside, where a checkpoint is written."""
        self._is_saving = True
        try:
            yield
        finally:
            self._is_saving = False
            self._end_if_forced()

    def _note(self, number: int, _) -> None:
        self._interrupts += number == signal.SIGINT
        if not self.received:
            self.received = number
            more = "again" if number == signal.SIGINT else "twice"
            _say(f"{signal.Signals(number).name}: the run saves and stops; Ctrl-C {more} forces it")
        if not self._is_saving:
            self._end_if_forced()

    def _end_if_forced(self) -> None:
        if self._interrupts > 1:
            _say("ended at once: what was not saved is lost")
            os._exit(128 + signal.SIGINT)


def _is_under_nohup(number: int) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN


def _say(line: str) -> None:
    """Writes a line to standard error: `print` may be what the signal interrupted."""
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())
