"""The kernel distance of features (KID): squared maximum mean discrepancy, without bias."""

import numpy as np

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import estimate as estimates
from dualcontrast.trainer.metrics import features as tables


def distance(reals: np.ndarray, fakes: np.ndarray) -> float:
    """Returns the unbiased squared maximum mean discrepancy for the kernel (x.y / size + 1)^3.

    Binkowski et al. 2018, section 4. Its mean over samples of the same distribution is 0, so single
    values may be below zero.

    Args:
      reals: [samples, size] float32 or float64, at least 2 samples.
      fakes: [samples, size], likewise; their number may be another.

    Raises:
      UserError: see `features.checked`.
    """
    reals, fakes = _pair(reals, fakes, 2)
    return _distance(reals.astype(np.float64), fakes.astype(np.float64))


def estimate(
    reals: np.ndarray,
    fakes: np.ndarray,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> estimates.Estimate:
    """Returns the mean of the distance over random subsets, and the deviation between them.

    Args:
      reals: [samples, size] float32 or float64, at least 2 samples.
      fakes: [samples, size], likewise.
      subsets: how many; drawn without repetition inside a subset.
      subset_size: samples in a subset of the reals and of the fakes; all where there are fewer.
      seed: of the draw.

    Raises:
      UserError: see `features.checked`, or no subset, or subsets of less than 2.
    """
    if subsets < 1 or subset_size < 2:
        raise UserError(f"{subsets} subsets of {subset_size}: expected at least 1 of at least 2")
    reals, fakes = _pair(reals, fakes, 2)
    size = min(subset_size, len(reals), len(fakes))
    draw = np.random.default_rng(seed)
    values = [_distance(_some(reals, size, draw), _some(fakes, size, draw)) for _ in range(subsets)]
    warning = ""
    if size < subset_size:
        warning = (
            f"subsets of {size}: too few samples for {subset_size}, so the deviation is larger"
        )
    return estimates.Estimate(
        value=float(np.mean(values)),
        deviation=float(np.std(values, ddof=1)) if subsets > 1 else None,
        method=f"mean and standard deviation over {subsets} random subsets of {size}",
        reals=len(reals),
        fakes=len(fakes),
        warning=warning,
    )


def _pair(reals: np.ndarray, fakes: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    reals = tables.checked(reals, "real features", least)
    return reals, tables.checked(fakes, "fake features", least, reals.shape[1])


def _some(features: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    return features[draw.choice(len(features), count, replace=False)].astype(np.float64)


def _distance(reals: np.ndarray, fakes: np.ndarray) -> float:
    return _within(reals) + _within(fakes) - 2 * float(_kernel(reals, fakes).mean())


def _within(features: np.ndarray) -> float:
    """Returns the mean kernel of two different samples: the pairs with oneself are the bias."""
    kernel, count = _kernel(features, features), len(features)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T / a.shape[1] + 1) ** 3
