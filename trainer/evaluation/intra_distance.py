"""The Frechet distance of each class by itself, and their mean: intra-FID."""

from collections.abc import Callable

import numpy as np

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import fake_labels, gather
from dualcontrast.trainer.evaluation.generated import Source
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.measure import Plan, Result
from dualcontrast.trainer.evaluation.metric_names import MAIN
from dualcontrast.trainer.evaluation.references import Reference
from dualcontrast.trainer.metrics import frechet_distance, statistics
from dualcontrast.trainer.metrics.estimate import Estimate

METRIC = "intra_fid"
# Of fewer images a covariance says next to nothing; those of ImageNet have 732 at least.
LEAST_REALS = 20
_NAMED = 10  # Of the classes that are left out; the result has all of them.


def check(name: str, source: Source | None, reals: ImageSet) -> list[int]:
    """Returns the numbers of the classes that can be measured, before any time is spent on them.

    Args:
      name: of what is measured.
      source: of its images; None where there are only images.
      reals: to compare with.

    Raises:
      UserError: the generator has no classes, the reals none or others, or too few images of each.
    """
    if source is None or not source.classes:
        raise UserError(
            f"--metrics={METRIC} measures class by class, and {name} has no classes: drop it"
        )
    if not reals.classes:
        raise UserError(f"--metrics={METRIC} needs labelled real images, {reals.name} has none")
    fake_labels.check_classes(name, source.classes, reals)
    sizes = _sizes(reals)
    if sizes.max() < LEAST_REALS:
        raise UserError(
            f"--metrics={METRIC} needs {LEAST_REALS} real images of a class, {reals.name} has"
            f" {sizes.max()} of {fake_labels.shown(reals.classes[sizes.argmax()])} at most"
        )
    return [int(label) for label in np.flatnonzero(sizes >= LEAST_REALS)]


def measure(
    plan: Plan,
    known: Reference,
    reals: ImageSet,
    source: Source,
    count: int,
    on_count: Callable[[int], None] = lambda count: None,
) -> Result:
    """Returns the mean over classes of the distance between their real and generated images.

    Miyato and Koyama 2018, section 5, with 5,000 generated images a class. Classes of fewer than
    `LEAST_REALS` real images are left out, and named. Only one class is in memory at a time.

    Args:
      plan: whose main extractor is compared by.
      known: features of the reals, with their table.
      reals: labelled with the classes of the source.
      source: of the generated images: those of every class have the latents of the same seeds.
      count: generated images of a class.
      on_count: receives the number of images read so far.

    Raises:
      UserError: see `check`, or an image or its features are not what they should be.
    """
    measured = check(source.name, source, reals)
    need, labels = plan.needs([MAIN]), reals.labels()
    found: dict[str, Estimate] = {}
    for place, label in enumerate(measured):
        images = source.images(count, fake_labels.only(label, len(source.classes)))

        def watch(read: int, before=place * count) -> None:
            on_count(before + read)

        of_fakes = gather.gather(images, need, watch)[MAIN].table
        of_reals = known.table[labels == label]
        found[source.classes[label]] = frechet_distance.estimate(
            statistics.deal(of_reals, parts=1), statistics.deal(of_fakes, parts=1)
        )
    extractor, sizes = plan.extractors[MAIN], _sizes(reals)
    left_out = {name: int(size) for name, size in zip(source.classes, sizes) if size < LEAST_REALS}
    return Result(_mean(found, left_out), extractor.name, extractor.note, found, left_out)


def _sizes(reals: ImageSet) -> np.ndarray:
    """Returns the real images of each class, [classes] int."""
    return np.bincount(reals.labels(), minlength=len(reals.classes))


def _mean(found: dict[str, Estimate], left_out: dict[str, int]) -> Estimate:
    estimates = list(found.values())
    fewest = min(estimates, key=lambda estimate: min(estimate.reals, estimate.fakes))
    mean = Estimate(
        value=float(np.mean([estimate.value for estimate in estimates])),
        deviation=None,
        method=f"mean over {len(estimates)} classes of the value of all images of a class",
        reals=sum(estimate.reals for estimate in estimates),
        fakes=sum(estimate.fakes for estimate in estimates),
        warning=fewest.warning,
    )
    if left_out:
        some = [*left_out.items()][:_NAMED]
        names = ", ".join(f"{fake_labels.shown(name)} ({size})" for name, size in some)
        more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
        mean = mean.warned(f"left out, with fewer than {LEAST_REALS} real images: {names}{more}")
    return mean
