"""Every metric that is a function of features of reals and fakes."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import gather, overfitting, references
from dualcontrast.trainer.evaluation.gather import Need
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.metric_names import BY_CLASS, DISCRIMINATOR, MAIN, ROLES
from dualcontrast.trainer.evaluation.references import Reference
from dualcontrast.trainer.features.extractor import Extractor, Features
from dualcontrast.trainer.metrics import (
    feature_distribution_distance,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
    statistics,
)
from dualcontrast.trainer.metrics.estimate import Estimate
from dualcontrast.trainer.metrics.feature_distribution_distance import Composition

# Metrics that need each feature of the reals, and not only their mean and covariance.
_WITH_TABLE = ("kid", "precision_recall", "fddf", "intra_fid", overfitting.METRIC)
_PARTS = 10  # Of the sample, for an error bar.


@dataclasses.dataclass(frozen=True)
class Result:
    """A measured value and what its features were.

    Attributes:
      estimate: the value.
      extractor: name of the network.
      note: what must stand beside the value; empty where it is comparable.
      classes: what it is the mean of, by the name of the class; none where it is of all images.
      left_out: real images of each class that has too few of them.
    """

    estimate: Estimate
    extractor: str
    note: str = ""
    classes: dict[str, Estimate] = dataclasses.field(default_factory=dict)
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured, and how.

    Attributes:
      metrics: keys of `ROLES`, in the order of the results.
      extractors: by role; a metric whose role is missing takes the main one.
      composition: of the discriminator's batches, where its features are compared.
      batch_size: images that the other extractors see at once.
      error_bars: whether distances are also taken without one tenth of the images at a time.
      seed: of the random subsets of kid.
      overfitting_inputs: what that metric is taken from besides features.
    """

    metrics: tuple[str, ...]
    extractors: dict[str, Extractor]
    composition: Composition | None = None
    batch_size: int = 32
    error_bars: bool = True
    seed: int = 0
    overfitting_inputs: overfitting.Inputs | None = None

    def role(self, metric: str) -> str:
        """Returns whose features a metric compares."""
        return ROLES[metric] if ROLES[metric] in self.extractors else MAIN

    def roles(self) -> list[str]:
        """Returns the roles that any metric needs, each once."""
        return list(dict.fromkeys(self.role(metric) for metric in self.metrics))

    def compares(self) -> bool:
        """Whether any metric needs reals."""
        return any(metric != "is" for metric in self.metrics)

    def of_all_images(self) -> "Plan":
        """Returns what is left without the metrics of each class."""
        metrics = tuple(name for name in self.metrics if name not in BY_CLASS)
        return dataclasses.replace(self, metrics=metrics)

    def needs(self, roles: list[str]) -> dict[str, Need]:
        """Returns what is asked of the extractors of some roles."""
        return {role: self._need(role) for role in roles}

    def _need(self, role: str) -> Need:
        if role == DISCRIMINATOR:
            return Need(self.extractors[role], self.composition.batch_size, whole_batches=True)
        return Need(self.extractors[role], self.batch_size)

    def with_table(self, role: str) -> bool:
        """Whether a metric of this role needs each feature of the reals."""
        return any(self.role(metric) == role for metric in self.metrics if metric in _WITH_TABLE)


def check_counts(plan: Plan, reals: int | None, fakes: int) -> None:
    """Refuses too few images before any time is spent on them.

    Args:
      plan: what is measured, of all images together.
      reals: how many there are; None where none are needed.
      fakes: how many there are.

    Raises:
      UserError: a metric needs more.
    """
    least = {"fid": 2, "kid": 2, "is": 10, "precision_recall": 6}
    if plan.composition:
        least["fddf"] = _PARTS * plan.composition.batch_size
        least[overfitting.METRIC] = 2 * plan.composition.batch_size
    for metric in plan.metrics:
        for count, what in ((reals, "real"), (fakes, "generated")):
            if count is not None and count < least[metric]:
                raise UserError(
                    f"{metric} needs at least {least[metric]} images, received {count:,} {what}"
                    " ones"
                )


class Reals:
    """The real images of an evaluation, whose features are gathered no more than once.

    Args:
      images: to read.
      cache: folder that keeps features; None for none.
    """

    def __init__(self, images: ImageSet, cache: pathlib.Path | None):
        self.images = images
        self._cache = cache
        self._known: dict[str, Reference] = {}
        self._newest_discriminator = ""

    @property
    def protocol(self) -> dict:
        """What decides the pixels."""
        return self.images.protocol

    def missing(self, plan: Plan) -> list[str]:
        """Returns the roles whose features are neither in memory nor in the cache."""
        roles = [role for role in plan.roles() if plan.metrics != ("is",)]
        return [role for role in roles if self._find(plan, role) is None]

    def references(
        self, plan: Plan, on_count: Callable[[int], None] = lambda count: None
    ) -> dict[str, Reference]:
        """Returns the features of the reals by role; reads the images only for what is missing.

        Raises:
          UserError: an image or its features are not what they should be.
        """
        missing = self.missing(plan)
        if missing:
            found = gather.gather(self.images, plan.needs(missing), on_count)
            for role, features in found.items():
                self._keep(plan, role, references.of_table(features.table))
        return {role: self._find(plan, role) for role in plan.roles()}

    def _find(self, plan: Plan, role: str) -> Reference | None:
        content = references.protocol(self.images, plan.extractors[role])
        key, with_table = references.key(content), plan.with_table(role)
        known = self._known.get(key)
        if known is None or (with_table and known.table is None):
            # A discriminator's features die with its checkpoint: they would only fill the disk.
            if self._cache is None or role == DISCRIMINATOR:
                return None
            known = references.load(self._cache, content, with_table)
            if known is not None:
                self._known[key] = known
        return known

    def _keep(self, plan: Plan, role: str, found: Reference) -> None:
        content = references.protocol(self.images, plan.extractors[role])
        if not plan.with_table(role):
            found = Reference(found.statistics)
        key = references.key(content)
        if role == DISCRIMINATOR:
            # Those of an earlier checkpoint are of no use to anybody.
            self._known.pop(self._newest_discriminator, None)
            self._newest_discriminator = key
        elif self._cache is not None:
            references.save(self._cache, content, found)
            # As it lies on the disk, a table takes no memory.
            found = references.load(self._cache, content, plan.with_table(role)) or found
        self._known[key] = found


class KnownReals:
    """Statistics in place of images: enough for fid alone.

    Args:
      reference: of the main extractor's features.
      protocol: of the images that it was taken from.
    """

    def __init__(self, reference: Reference, protocol: dict):
        self.protocol = protocol
        self._reference = reference

    def missing(self, plan: Plan) -> list[str]:
        """Returns no role: there is nothing to read."""
        return []

    def references(
        self, plan: Plan, on_count: Callable[[int], None] = lambda count: None
    ) -> dict[str, Reference]:
        """Returns the statistics."""
        return {MAIN: self._reference}


def measure(
    plan: Plan,
    reals: dict[str, Reference],
    images: ImageSet,
    on_count: Callable[[int], None] = lambda count: None,
) -> dict[str, Result]:
    """Reads the images of a generator once and returns every result by its name.

    Args:
      plan: what is measured, of all images together.
      reals: by role, as `Reals.references` returns them.
      images: of the generator.
      on_count: receives the number of images read so far.

    Raises:
      UserError: an image or its features are not what they should be.
    """
    found = gather.gather(images, plan.needs(plan.roles()), on_count)
    results: dict[str, Result] = {}
    for metric in plan.metrics:
        role = plan.role(metric)
        extractor = plan.extractors[role]
        for name, estimate in _estimates(plan, metric, reals.get(role), found[role]).items():
            results[name] = Result(estimate, extractor.name, extractor.note)
    return results


def _estimates(
    plan: Plan, metric: str, reals: Reference | None, fakes: Features
) -> dict[str, Estimate]:
    if metric == "fid":
        parts = _PARTS if plan.error_bars and len(fakes.table) >= 2 * _PARTS else 1
        dealt = statistics.deal(fakes.table, parts)
        return {"fid": frechet_distance.estimate([reals.statistics], dealt)}
    if metric == "kid":
        return {"kid": kernel_distance.estimate(reals.table, fakes.table, seed=plan.seed)}
    if metric == "is":
        return {"is": inception_score.from_logits(_logits(plan, fakes))}
    if metric == "fddf":
        return _fddf(plan, reals.table, fakes.table)
    if metric == overfitting.METRIC:
        return plan.overfitting_inputs.estimates(reals.table, fakes.table)
    shares = precision_recall.estimate(reals.table, fakes.table)
    return {field.name: getattr(shares, field.name) for field in dataclasses.fields(shares)}


def _logits(plan: Plan, fakes: Features) -> np.ndarray:
    if fakes.logits is None:
        raise UserError(
            f"--metrics=is needs a network that classifies, and {plan.extractors[MAIN].name} does "
            "not: add --extractor=inception"
        )
    return fakes.logits


def _fddf(plan: Plan, reals: np.ndarray, fakes: np.ndarray) -> dict[str, Estimate]:
    batch = plan.composition.batch_size
    parts = _PARTS if plan.error_bars else 1
    of_reals, of_fakes = (statistics.deal(table, parts, batch) for table in (reals, fakes))
    found = feature_distribution_distance.estimate(of_reals, of_fakes, plan.composition)
    return {"fddf": found.distance, "fddf_scale_free": found.scale_free}
