"""The Frechet distance between Gaussians fitted to two sets of features: FID and its relatives."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import lapack

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import estimate as estimates
from dualcontrast.trainer.metrics import statistics
from dualcontrast.trainer.metrics.statistics import Statistics

# Samples per dimension below which the distance is mostly the noise of the covariances.
_ENOUGH = 10


def distance(reals: Statistics, fakes: Statistics) -> float:
    """Returns |m_r - m_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)), a squared Wasserstein distance.

    Heusel et al. 2017, eq. 6, with covariances over n - 1.

    Departs from the authors' code, which takes `scipy.linalg.sqrtm` of the product S_r S_f. That
    matrix is not symmetric, its root comes out complex or not at all where a covariance is
    singular, and the trace then misses digits. See `trace_of_root`.

    Raises:
      UserError: fewer than two samples, or features of two sizes.
    """
    if reals.size != fakes.size:
        raise UserError(f"real features have {reals.size} columns, fake ones {fakes.size}")
    real_covariance, fake_covariance = reals.covariance(), fakes.covariance()
    step = reals.mean - fakes.mean
    traces = np.trace(real_covariance) + np.trace(fake_covariance)
    found = step @ step + traces - 2 * trace_of_root(real_covariance, fake_covariance)
    return float(max(found, 0.0))  # below zero is rounding


def trace_of_root(a: np.ndarray, b: np.ndarray) -> float:
    """Returns tr((a b)^(1/2)) of two covariances, [size, size] float64, singular ones too.

    With a = L L^T and b = M M^T the product has the eigenvalues of (L^T M)(L^T M)^T, so the trace
    is the sum of the singular values of L^T M. Nothing is squared on the way: the roots of the
    eigenvalues of a^(1/2) b a^(1/2) are the same numbers, but a zero one comes out as rounding of
    1e-16, its root as 1e-8, and features of uneven scales then miss the distance by 1e-7 of it.
    """
    product = _factor(a).T @ _factor(b)
    return float(np.linalg.svd(product, compute_uv=False).sum())


def _factor(covariance: np.ndarray) -> np.ndarray:
    """Returns L, [size, rank], with L L^T = covariance."""
    # Pivots in order of size end the factorization where the rank of a singular matrix ends.
    packed, pivots, rank, _ = lapack.dpstrf(covariance, lower=1)
    factor = np.empty((len(covariance), rank))
    factor[pivots - 1] = np.tril(packed)[:, :rank]  # LAPACK counts from 1
    return factor


def estimate(reals: Sequence[Statistics], fakes: Sequence[Statistics]) -> estimates.Estimate:
    """Returns the distance between two samples, with a jackknife over their parts.

    In simulations the deviation was 1.0 to 1.1 times the one between repetitions for distributions
    that differ, and up to 1.4 times for equal ones. It does not cover the bias of small samples.

    Args:
      reals: of disjoint parts of the sample, as `statistics.deal` returns them; a single one is a
        fixed reference that adds nothing to the deviation.
      fakes: as many parts, or a single one for no deviation.

    Raises:
      UserError: two counts of parts above one, fewer than two samples, features of two sizes.
    """
    value, deviation, method = over_parts(distance, reals, fakes)
    real_count, fake_count = (sum(part.count for part in parts) for parts in (reals, fakes))
    warning = too_few(min(real_count, fake_count), reals[0].size)
    return estimates.Estimate(value, deviation, method, real_count, fake_count, warning)


def over_parts(
    statistic: Callable[[Statistics, Statistics], float],
    reals: Sequence[Statistics],
    fakes: Sequence[Statistics],
) -> tuple[float, float | None, str]:
    """Returns a statistic of two whole samples, its standard error, and how that was taken.

    Args:
      statistic: of the reals and the fakes.
      reals: as for `estimate`.
      fakes: as for `estimate`.

    Raises:
      UserError: see `estimate`.
    """
    all_reals, all_fakes = statistics.merged(reals), statistics.merged(fakes)
    value = statistic(all_reals, all_fakes)
    if len(fakes) == 1:
        return value, None, "one value of the whole sample"
    if len(reals) not in (1, len(fakes)):
        raise UserError(f"{len(reals)} parts of reals, {len(fakes)} of fakes: expected as many")

    def without(kept: Sequence[int]) -> float:
        # Leaving out a part of both at once adds up the variances of two independent samples.
        some = all_reals if len(reals) == 1 else statistics.merged(reals[i] for i in kept)
        return statistic(some, statistics.merged(fakes[i] for i in kept))

    deviation = estimates.jackknife(without, len(fakes))
    whose = "fakes" if len(reals) == 1 else "reals and fakes"
    return value, deviation, f"standard error by a jackknife over {len(fakes)} parts of the {whose}"


def too_few(count: int, size: int) -> str:
    """Returns why a distance of so few samples is not to be compared, or nothing."""
    if count <= size:
        return (
            f"{count} samples of {size} features: the covariance is singular and the distance far "
            f"too large; compare it with none of another count, or give {_ENOUGH * size} samples"
        )
    if count < _ENOUGH * size:
        return (
            f"{count} samples of {size} features: the distance comes out too large; compare it "
            f"with none of another count, or give {_ENOUGH * size} samples"
        )
    return ""
