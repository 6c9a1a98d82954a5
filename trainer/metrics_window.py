"""The metrics between two log lines, and what is said when they are not finite."""

import time

import numpy as np

from dualcontrast.trainer.errors import UserError


class Window:
    """The metrics since the last log line."""

    def __init__(self, images_seen: int):
        self._first = images_seen
        self._started = time.monotonic()
        self._waited = 0.0
        self._steps: list[tuple[int, dict]] = []

    @property
    def last_start(self) -> int:
        """The images seen before the last iteration."""
        return self._steps[-1][0]

    def add(self, images_seen: int, metrics: dict, waited: float) -> None:
        self._steps.append((images_seen, metrics))
        self._waited += waited

    def pause(self, seconds: float) -> None:
        """Leaves out of the rate what was spent on something else than training."""
        self._started += seconds

    def close(self, images_seen: int, culprit) -> dict[str, float]:
        """Returns the means over the window, the rate and the share of time spent waiting for data.

        Raises:
          UserError: a metric is not finite.
        """
        values: dict[str, list[float]] = {}
        for before, metrics in self._steps:
            for name, tensor in metrics.items():
                value = float(tensor)
                if not np.isfinite(value):
                    raise diverged(f"{name} is {value} at {before:,} images{culprit()}")
                values.setdefault(name, []).append(value)
        # The values are on the host now, so the device has finished what is timed.
        elapsed = time.monotonic() - self._started
        return {name: float(np.mean(value)) for name, value in values.items()} | {
            "images_per_second": (images_seen - self._first) / elapsed,
            "wait_share": self._waited / elapsed,
        }


def diverged(what: str) -> UserError:
    """Returns the error that ends a run whose numbers are not finite.

    Args:
      what: is not finite, and when.
    """
    return UserError(
        f"training diverged: {what}.\nNo checkpoint holds it. Try a smaller learning rate or a"
        " larger penalties.r1_gamma in another --workdir."
    )
