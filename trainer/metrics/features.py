"""Which arrays a metric accepts, and what is said about the others."""

import numpy as np

from dualcontrast.trainer.errors import UserError


def checked(array: np.ndarray, name: str, least: int = 1, size: int | None = None) -> np.ndarray:
    """Returns the array when it is a table of finite float32 or float64 numbers.

    Departs from StyleGAN2, which halves the precision of features before it compares them: float16
    keeps 3 digits and ends at 65504, so it is refused.

    Args:
      array: [samples, size].
      name: what the message calls it, such as "real features".
      least: samples that the metric needs.
      size: columns that the metric needs; None for any.

    Raises:
      UserError: another type, another shape, too few samples, NaN or infinity.
    """
    array = np.asarray(array)
    if array.dtype not in (np.float32, np.float64):
        raise UserError(f"{name} are {array.dtype}, expected float32 or float64: extract them anew")
    if array.ndim != 2 or array.shape[1] == 0:
        raise UserError(f"{name} have the shape {list(array.shape)}, expected [samples, size]")
    if size is not None and array.shape[1] != size:
        raise UserError(f"{name} have {array.shape[1]} columns, expected {size}: use one extractor")
    if len(array) < least:
        raise UserError(f"{name} are too few: received {len(array)}, expected at least {least}")
    _refuse_not_finite(array, name)
    return array


def checked_values(values: np.ndarray, name: str, count: int) -> np.ndarray:
    """Returns one finite float64 number for each of `count` samples, [count].

    Raises:
      UserError: another shape, NaN or infinity.
    """
    values = np.asarray(values, np.float64)
    if values.shape != (count,):
        raise UserError(f"{name} have the shape {list(values.shape)}, expected [{count}]")
    _refuse_not_finite(values, name)
    return values


def _refuse_not_finite(array: np.ndarray, name: str) -> None:
    # A sum is not finite when a term is not, and needs no second array as large as the first.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum(dtype=np.float64)):
            return
    # Finite numbers may still add up to infinity, so the rows are asked.
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise UserError(f"{name} hold NaN or infinity, first in sample {row}: expected numbers")
