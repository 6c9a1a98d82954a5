"""The inception score: how sure a classifier is of each image, and how varied its answers are."""

import numpy as np
from scipy import special

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import estimate as estimates
from dualcontrast.trainer.metrics import features as tables

# Images in a split of the published protocol, 10 splits of 50,000.
_SPLIT = 5000


def from_logits(logits: np.ndarray, splits: int = 10) -> estimates.Estimate:
    """Returns the score of unnormalized log-probabilities; see `from_probabilities`.

    Args:
      logits: [images, classes] float32 or float64; 1008 classes for the published network.
      splits: consecutive parts of equal size.

    Raises:
      UserError: see `from_probabilities`.
    """
    logits = tables.checked(logits, "logits", splits)
    return _estimate(special.log_softmax(logits.astype(np.float64), axis=1), splits)


def from_probabilities(probabilities: np.ndarray, splits: int = 10) -> estimates.Estimate:
    """Returns the mean over splits of exp(mean over images of KL(p(y|x) || p(y))).

    Salimans et al. 2016, section 4. p(y) is the mean of p(y|x) over the images of the split. The
    deviation is the one between splits, divided by their number and not by one less, as published.

    Args:
      probabilities: [images, classes] float32 or float64, rows that sum to 1.
      splits: consecutive parts of equal size.

    Raises:
      UserError: fewer images than splits, a row that is no distribution, NaN or infinity.
    """
    probabilities = tables.checked(probabilities, "probabilities", splits).astype(np.float64)
    sums = probabilities.sum(axis=1)
    wrong = (probabilities < 0).any(axis=1) | (abs(sums - 1) > 1e-3)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(
            f"probabilities of image {row} sum to {sums[row]:.4g}, the least is "
            f"{probabilities[row].min():.4g}: expected none below 0 and a sum of 1 (or from_logits)"
        )
    with np.errstate(divide="ignore"):  # log 0 = -inf is meant
        return _estimate(np.log(probabilities / sums[:, None]), splits)


def _estimate(logs: np.ndarray, splits: int) -> estimates.Estimate:
    if splits < 1:
        raise UserError(f"{splits} splits: expected at least 1")
    count, classes = logs.shape
    edges = [part * count // splits for part in range(splits + 1)]
    scores = [_score(logs[first:last]) for first, last in zip(edges, edges[1:])]
    least, warning = min(_SPLIT, 10 * classes), ""
    if count // splits < least:
        warning = (
            f"splits of {count // splits} images of {classes} classes: the score comes out too "
            f"small; published ones have splits of {_SPLIT}"
        )
    return estimates.Estimate(
        value=float(np.mean(scores)),
        deviation=float(np.std(scores)) if splits > 1 else None,
        method=f"mean and standard deviation over {splits} splits",
        fakes=count,
        warning=warning,
    )


def _score(logs: np.ndarray) -> float:
    probabilities = np.exp(logs)
    # In logarithms, where a class that all images make unlikely does not become log 0.
    marginal = special.logsumexp(logs, axis=0) - np.log(len(logs))
    possible = probabilities > 0
    terms = np.subtract(logs, marginal, out=np.zeros_like(logs), where=possible)
    return float(np.exp((probabilities * terms).sum(axis=1).mean()))
