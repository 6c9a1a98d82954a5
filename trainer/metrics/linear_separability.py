"""Linear separability: how well a hyperplane in the latents tells the attributes of the images."""

from collections.abc import Sequence

import numpy as np
from sklearn import svm

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import estimate as estimates
from dualcontrast.trainer.metrics import features as tables

KEEP = 0.5  # of the samples, those that the classifier is surest about
_NAMED = 10  # Of the attributes that say nothing.


def estimate(
    latents: np.ndarray, logits: np.ndarray, keep: float = KEEP, names: Sequence[str] = ()
) -> estimates.Estimate:
    """Returns exp of the conditional entropies of all attributes, summed: 1 is separable.

    Karras et al. 2019, section 4.2: of 200,000 latents the half stays that the classifier is surest
    about; a linear support vector machine learns the answers from the latents, and H(answer | side
    of the plane) is what remains unknown. Entropies are in nats here and in bits
    there, where 2 is raised to their sum: the same number.

    Args:
      latents: z or w of the images, [samples, size] float32 or float64.
      logits: of the images, [samples, attributes] float32 or float64, above 0 where an attribute is
        there.
      keep: the share of samples that are kept for each attribute.
      names: of the attributes, for the warning; their numbers where there are none.

    Raises:
      UserError: see `features.checked`, or a share outside of (0, 1].
    """
    latents = tables.checked(latents, "latents", 2)
    logits = tables.checked(logits, "logits", 2)
    if len(logits) != len(latents):
        raise UserError(f"{len(latents)} latents and logits of {len(logits)} images: expected one")
    kept = int(len(latents) * keep)
    if not 0 < keep <= 1 or kept < 2:
        raise UserError(f"keep={keep} of {len(latents)} samples: expected (0, 1], and 2 to be left")
    entropies, variances = np.zeros(logits.shape[1]), np.zeros(logits.shape[1])
    constant = []
    for attribute, column in enumerate(logits.T):
        surest = np.argsort(-np.abs(column), kind="stable")[:kept]
        labels = column[surest] > 0
        if labels.min() == labels.max():
            constant.append(names[attribute] if names else str(attribute))
            continue
        sides = predict(latents[surest], labels)
        entropies[attribute], variances[attribute] = conditional_entropy(sides, labels)
    value = float(np.exp(entropies.sum()))
    return estimates.Estimate(
        value=value,
        deviation=float(value * np.sqrt(variances.sum())),
        method=f"exp of {len(entropies)} entropies; standard error with the planes taken as given",
        fakes=len(latents),
        warning=_warning(constant, kept, latents.shape[1]),
    )


def predict(latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns on which side of a hyperplane fitted to the labels each latent lies, [n] bool.

    Args:
      latents: [n, size].
      labels: [n] bool, both of them present.
    """
    # The seed matters where there are fewer samples than columns: the solver draws their order.
    return svm.LinearSVC(random_state=0).fit(latents, labels).predict(latents)


def conditional_entropy(given: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Returns H(labels | given) in nats, and the variance of this estimate.

    The entropy is the mean of -log p(label | given) over the samples, so its variance is theirs
    divided by their number.

    Args:
      given: [n] bool.
      labels: [n] bool.
    """
    table = np.array([[np.sum((given == x) & (labels == y)) for y in (0, 1)] for x in (0, 1)])
    present = table > 0
    conditional = (table / np.maximum(table.sum(axis=1, keepdims=True), 1))[present]
    shares, surprise = table[present] / table.sum(), -np.log(conditional)
    entropy = float(shares @ surprise)
    return entropy, float(shares @ (surprise - entropy) ** 2) / int(table.sum())


def _warning(constant: list[str], kept: int, size: int) -> str:
    if constant:
        more = f" and {len(constant) - _NAMED} more" if len(constant) > _NAMED else ""
        names = ", ".join(constant[:_NAMED]) + more
        return f"the surest images all look alike in {names}: an entropy of 0 says nothing there"
    if kept < 10 * size:
        return f"{kept} samples kept of {size} columns: a plane fits so few too well; give more"
    return ""
