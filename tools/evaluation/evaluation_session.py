"""One evaluation after another with the same metrics, networks and real images."""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dualcontrast.tools.evaluation import evaluated, evaluation_flags, evaluation_inputs
from dualcontrast.tools.evaluation.evaluated import Judging, Subject
from dualcontrast.tools.evaluation.measurement import Measurement
from dualcontrast.tools.evaluation.requested import Requested, Settings
from dualcontrast.trainer import locations
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import (
    encodings,
    fake_labels,
    image_set,
    measure,
    metric_names,
    overfitting,
    references,
    report,
)
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.measure import KnownReals, Plan, Reals, Result
from dualcontrast.trainer.features import lpips, vgg16
from dualcontrast.trainer.features.extractor import Extractor


class Session:
    """Measures one checkpoint after another.

    Args:
      requested: what of each.
    """

    def __init__(self, requested: Requested):
        self._requested = requested
        self._plan, self._reals = requested.plan, requested.reals

    def choose(self, name: str, classes: tuple[str, ...]) -> fake_labels.Frequencies | None:
        """Returns how often each class of a generator is drawn; see `fake_labels.choose`."""
        reals = self._labelled if classes else None
        return fake_labels.choose(name, classes, reals, self._requested.how.labels)

    @functools.cached_property
    def _labelled(self) -> ImageSet | None:
        """The images whose labels the generated ones may follow, compared with or not."""
        if isinstance(self._reals, Reals):
            return self._reals.images
        path = evaluation_flags.DATA.value
        if path is None or not (locations.of(path) / manifest.FILE_NAME).exists():
            return None
        return evaluation_inputs.real_images(self._plan.seed)

    def evaluate(self, subject: Subject) -> dict[str, Any]:
        """Measures, prints the table, and returns the row for metrics-evaluation.jsonl.

        Raises:
          UserError: the images are too few, or not like the real ones, or not what they should be.
        """
        started = time.monotonic()
        self._check_alike(subject.images)
        judging = self._judging(subject)
        plan = self._plan_with(judging)
        self._check_counts(plan.of_all_images(), subject.images.count)
        if self._requested.validation:
            self._check_validation(subject, plan)
        results = Measurement(self._requested, plan, subject, judging).take()
        results = self._with_warning(results, subject)
        print(f"{subject.images.name} against {self._reals_name()}")
        print(report.table(results), flush=True)
        return report.record(
            results,
            images_seen=subject.images_seen,
            fakes=subject.images.name,
            reals=self._reals_name(),
            protocol=self._requested.protocol(plan, subject.images.protocol),
            request=self.request(subject.images),
            seconds=time.monotonic() - started,
        )

    def request(self, images: ImageSet) -> str:
        """Returns a hash of what is asked, the same for every checkpoint of a run."""
        of_checkpoint = ("images_seen", "weights")
        fakes = {k: v for k, v in images.protocol.items() if k not in of_checkpoint}
        return report.request_of(**self._requested.protocol(self._plan, fakes))

    def _judging(self, subject: Subject) -> Judging | None:
        """Returns the discriminator, where a metric needs it."""
        roles = [metric_names.ROLES[metric] for metric in self._plan.metrics]
        if metric_names.DISCRIMINATOR not in roles:
            return None
        return evaluated.discriminator_of(subject, self._draw_references)

    def _plan_with(self, judging: Judging | None) -> Plan:
        if judging is None:
            return self._plan
        extractors = {**self._plan.extractors, metric_names.DISCRIMINATOR: judging.extractor}
        return dataclasses.replace(
            self._plan, extractors=extractors, composition=judging.composition
        )

    @functools.cached_property
    def _draw_references(self) -> Callable[[], np.ndarray]:
        assert isinstance(self._reals, Reals)  # refused where statistics stand for them
        return evaluated.references_of(self._reals.images)

    def _check_alike(self, images: ImageSet) -> None:
        if self._plan.metrics and self._reals:
            reals = self._reals.protocol
            about = self._reals_name(), reals["resolution"], reals["channels"]
            image_set.check_alike(about, images)
        classifier = self._requested.classifier
        if classifier and (learnt := classifier.images):
            image_set.check_alike((learnt.name, learnt.resolution, learnt.channels), images)

    def _check_counts(self, plan: Plan, fakes: int) -> None:
        if plan.metrics:
            reals = self._reals.protocol["count"] if self._reals else None
            measure.check_counts(plan, reals, fakes)

    def _check_validation(self, subject: Subject, plan: Plan) -> None:
        assert isinstance(self._reals, Reals) and subject.source and plan.composition
        overfitting.check(
            subject.images.name,
            subject.source.classes,
            self._reals.images,
            self._requested.validation,
            plan.composition.batch_size,
        )

    def _with_warning(self, results: dict[str, Result], subject: Subject) -> dict[str, Result]:
        """Returns the results, those of comparisons with a warning where encodings differ."""
        reals = self._reals.protocol if self._reals else None
        # A generator that learned from these very images learned their encoding too.
        if reals is None or (subject.trained_on and subject.trained_on == reals.get("sha256")):
            return results
        found = encodings.warning(reals, subject.images.protocol)
        if not found:
            return results
        return {
            name: (
                dataclasses.replace(result, estimate=result.estimate.warned(found))
                if result.estimate.reals
                else result
            )
            for name, result in results.items()
        }

    def _reals_name(self) -> str:
        return evaluation_flags.DATA.value if self._reals else "nothing"


def open_session(metrics: tuple[str, ...], how: Settings) -> Session:
    """Loads the networks and opens the real images that the flags name.

    Args:
      metrics: by the names of `metric_names`.
      how: they are taken.

    Raises:
      UserError: weights or images are missing, or something else than they should be.
    """
    by_features = tuple(name for name in metrics if name in metric_names.ROLES)
    paths = tuple(name for name in metrics if name in metric_names.PATH_LENGTHS)
    distance = None
    if paths:
        distance = lpips.load(evaluation_flags.VGG16.value, evaluation_flags.LPIPS.value)
    extractors: dict[str, Extractor] = {}
    if any(metric_names.ROLES[name] != metric_names.DISCRIMINATOR for name in by_features):
        extractors[metric_names.MAIN] = evaluation_inputs.main_extractor()
        if "precision_recall" in by_features and evaluation_flags.VGG16.value:
            extractors[metric_names.SHAPE] = vgg16.load(evaluation_flags.VGG16.value)
    plan = Plan(by_features, extractors, None, how.batch_size, how.error_bars, how.seed)
    reals = _reals(plan) if plan.compares() else None
    validation = classifier = None
    if overfitting.METRIC in metrics:
        validation = evaluation_inputs.validation_images(how.seed)
    if metric_names.SEPARABILITY in metrics:
        classifier = evaluation_inputs.classifier(how.batch_size, how.seed)
    return Session(Requested(plan, how, reals, paths, distance, classifier, validation))


def _reals(plan: Plan) -> Reals | KnownReals:
    path = locations.of(evaluation_flags.DATA.value)
    if path.suffix != ".npz":
        return Reals(evaluation_inputs.real_images(plan.seed), evaluation_flags.cache_folder())
    if set(plan.metrics) - {"fid", "is"}:
        greedy = next(name for name in plan.metrics if name not in ("fid", "is"))
        raise UserError(
            f"--metrics={greedy} needs every feature of the real images, and --data={path} holds "
            "statistics: give the dataset or the folder"
        )
    return KnownReals(*references.load_statistics(path, plan.extractors[metric_names.MAIN]))
