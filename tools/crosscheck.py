"""Compares the metrics with those of torch-fidelity, on the same features.

  make crosscheck

That makes an environment of its own for torch and torch-fidelity, then runs this module in it. Each
line has both values and their relative difference; the exit code is 1 when one is above 1e-4. The
features are drawn from a seed: what is compared is the arithmetic, not a network.
"""

import importlib.metadata
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dualcontrast.trainer import errors
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import (
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
    statistics,
)

TOLERANCE = 1e-4
_SEED = 1


class Row(NamedTuple):
    """One metric, computed twice."""

    name: str
    ours: float
    theirs: float


def main(argv: list[str]) -> int:
    """Prints the comparison; returns 1 when a metric differs."""
    errors.no_arguments(argv)
    try:
        theirs = importlib.metadata.version("torch-fidelity")
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError("torch-fidelity is not installed here; type: make crosscheck") from error
    print(f"{'metric':32} {'ours':>18} {'torch-fidelity ' + theirs:>22} {'difference':>11}")
    missed = 0
    for row in compare():
        off = difference(row)
        # Written so that NaN is a miss.
        missed |= not off <= TOLERANCE
        verdict = "ok" if off <= TOLERANCE else f"MISSED (at most {TOLERANCE})"
        print(f"{row.name:32} {row.ours:18.10g} {row.theirs:22.10g} {off:11.1e} {verdict}")
    return int(missed)


def compare() -> Iterator[Row]:
    """Yields every metric that both have."""
    reals, fakes = features(3000, 256, 0.0), features(2500, 256, 0.1)
    yield Row("FID, 3000 x 256", _our_fid(reals, fakes), _their_fid(reals, fakes))
    few, fewer = reals[:200], fakes[:150]
    yield Row("FID, singular, 200 x 256", _our_fid(few, fewer), _their_fid(few, fewer))
    yield _kid(reals[:2500], fakes)
    yield from _inception_score(4.0 * features(5000, 1008, 0.0))
    yield from _precision_recall(reals, fakes)


def features(count: int, size: int, shift: float) -> np.ndarray:
    """Returns features as a network has after a rectifier, [count, size] float64: correlated, >= 0.

    Args:
      count: of samples.
      size: of a sample.
      shift: of their mean before the rectifier.
    """
    mixing = np.random.default_rng(_SEED).standard_normal([32, size]) / 32**0.5
    draw = np.random.default_rng([_SEED, count])
    latents, noise = draw.standard_normal([count, 32]), draw.standard_normal([count, size])
    return np.maximum(latents @ mixing + 0.3 * noise + shift, 0)


def difference(row: Row) -> float:
    """Returns the relative difference; the absolute one where theirs is 0."""
    return abs(row.ours - row.theirs) / (abs(row.theirs) or 1.0)


def _our_fid(reals: np.ndarray, fakes: np.ndarray) -> float:
    return frechet_distance.estimate(*(statistics.deal(x, 1) for x in (reals, fakes))).value


def _their_fid(reals: np.ndarray, fakes: np.ndarray) -> float:
    from torch_fidelity import metric_fid

    moments = [metric_fid.fid_features_to_statistics(_tensor(x)) for x in (reals, fakes)]
    return metric_fid.fid_statistics_to_metric(*moments, False)[metric_fid.KEY_METRIC_FID]


def _kid(reals: np.ndarray, fakes: np.ndarray) -> Row:
    from torch_fidelity import metric_kid

    # One subset of everything: no draw of subsets is left to differ.
    found = metric_kid.kid_features_to_metric(
        _tensor(reals), _tensor(fakes), kid_subsets=1, kid_subset_size=len(reals), verbose=False
    )
    ours = kernel_distance.estimate(reals, fakes, 1, len(reals)).value
    return Row(f"KID, {len(reals)} x {reals.shape[1]}", ours, found[metric_kid.KEY_METRIC_KID_MEAN])


def _inception_score(logits: np.ndarray) -> Iterator[Row]:
    from torch_fidelity import metric_isc

    found = metric_isc.isc_features_to_metric(_tensor(logits), splits=10, shuffle=False)
    ours = inception_score.from_logits(logits, 10)
    name = f"IS, {logits.shape[0]} x {logits.shape[1]}"
    yield Row(name, ours.value, found[metric_isc.KEY_METRIC_ISC_MEAN])
    yield Row("IS, deviation of 10 splits", ours.deviation, found[metric_isc.KEY_METRIC_ISC_STD])


def _precision_recall(reals: np.ndarray, fakes: np.ndarray) -> Iterator[Row]:
    from torch_fidelity import metric_prc

    how = {"prc_neighborhood": 3, "prc_batch_size": 1000, "save_cpu_ram": True, "verbose": False}
    found = metric_prc.prc_features_to_metric(_tensor(fakes), _tensor(reals), **how)
    ours = precision_recall.estimate(reals, fakes)
    counts = f"{len(reals)} reals, {len(fakes)} fakes"
    precision, recall = metric_prc.KEY_METRIC_PRECISION, metric_prc.KEY_METRIC_RECALL
    yield Row(f"precision, {counts}", ours.precision.value, found[precision])
    yield Row(f"recall, {counts}", ours.recall.value, found[recall])


def _tensor(array: np.ndarray):
    import torch  # not installed where the other tools run

    return torch.from_numpy(array)


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
