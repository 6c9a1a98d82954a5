"""What every metric returns: a number, how far it can be trusted, and what it was taken from."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A measured value; `dataclasses.asdict` of it is ready for JSON.

    Attributes:
      value: of the metric.
      deviation: standard deviation of what `method` says; None where a single value has none.
      method: one line: how the value and its deviation were taken.
      reals: real samples that the value rests on, 0 where the metric takes none.
      fakes: generated samples, or pairs of them, that the value rests on.
      warning: why the value should not be compared with others; empty where nothing is wrong.
    """

    value: float
    deviation: float | None
    method: str
    reals: int = 0
    fakes: int = 0
    warning: str = ""

    def warned(self, warning: str) -> "Estimate":
        """Returns the same with one more warning."""
        both = "; ".join(filter(None, [self.warning, warning]))
        return dataclasses.replace(self, warning=both)


def jackknife(statistic: Callable[[Sequence[int]], float], parts: int) -> float | None:
    """Returns the standard error of a statistic, from leaving out one part of the sample at a time.

    Efron and Stein 1981: sqrt((g - 1) / g * sum_i (s_i - mean s)^2) with s_i the statistic of all
    parts but the i-th. Parts that are measured alone would be of another size, where a Frechet
    distance has another bias and a larger spread; all but one of ten are nearly the whole.

    Args:
      statistic: of the parts with these indices.
      parts: g, of about equal sizes.

    Returns:
      The standard error, or None for fewer than two parts.
    """
    if parts < 2:
        return None
    values = [statistic([i for i in range(parts) if i != left_out]) for left_out in range(parts)]
    return float(np.sqrt((parts - 1) * np.var(values)))


def standard_error(values: np.ndarray) -> float | None:
    """Returns the standard error of the mean of independent values [n], None for fewer than 2."""
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))
