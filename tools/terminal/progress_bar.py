"""A line on the terminal that says how far a tool is, how fast, and how long it will take."""

import sys
import time

from dualcontrast.trainer.formatting import duration

_WIDTH = 28
_TERMINAL_SECONDS, _LOG_SECONDS = 0.2, 30.0


class ProgressBar:
    """Rewrites one line on standard error; when that is a file, adds a line now and then.

    with ProgressBar("images", total=4000) as bar:
        bar.show(1200)

    images  [########                    ]  1,200/4,000  30%  412/s  eta 7s
    """

    def __init__(self, what: str, total: int):
        self._what, self._total = what, total
        self._start = self._shown = time.monotonic()
        self._count = 0
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        """Draws the line a last time and leaves it."""
        if self._is_terminal and self._count:
            self._write(time.monotonic())
            sys.stderr.write("\n")

    def show(self, count: int) -> None:
        """Draws the line, unless it was drawn a moment ago."""
        self._count, now = count, time.monotonic()
        if now - self._shown >= (_TERMINAL_SECONDS if self._is_terminal else _LOG_SECONDS):
            self._shown = now
            self._write(now)

    def _write(self, now: float) -> None:
        line = self.line(self._count, now - self._start)
        sys.stderr.write(f"\r\x1b[K{line}" if self._is_terminal else f"{line}\n")
        sys.stderr.flush()

    def line(self, count: int, seconds: float) -> str:
        """The text for `count` of the total, `seconds` after the start."""
        share = min(1.0, count / max(self._total, 1))
        rate = count / max(seconds, 1e-9)
        done = "#" * int(share * _WIDTH)
        left = duration((self._total - count) / rate) if count else "-"
        return (
            f"{self._what}  [{done:{_WIDTH}}]  {count:,}/{self._total:,}  {share:.0%}"
            f"  {rate:,.0f}/s  eta {left}"
        )
