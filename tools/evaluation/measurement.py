"""One checkpoint measured: its passes over images, one after another, with one progress bar."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dualcontrast.tools.evaluation.evaluated import Judging, Subject
from dualcontrast.tools.evaluation.requested import Requested
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer.evaluation import (
    gather,
    intra_distance,
    measure,
    metric_names,
    overfitting,
    path_length,
    references,
    separability,
)
from dualcontrast.trainer.evaluation.measure import Plan, Reals, Result
from dualcontrast.trainer.evaluation.references import Reference

OnCount = Callable[[int], None]


class Pass(NamedTuple):
    """A number of images, and what reads them and returns the results."""

    images: int
    take: Callable[[OnCount], dict[str, Result]]


class Measurement:
    """The measurement of one checkpoint.

    Args:
      requested: what is asked.
      plan: of it, with what depends on the checkpoint.
      subject: what is measured.
      judging: its discriminator, where the plan needs it.
    """

    def __init__(self, requested: Requested, plan: Plan, subject: Subject, judging: Judging | None):
        self._requested, self._plan, self._subject = requested, plan, subject
        self._judging = judging
        self._known: dict[str, Reference] = {}

    def take(self) -> dict[str, Result]:
        """Returns every result by its name.

        Raises:
          UserError: an image or its features are not what they should be.
        """
        passes, before = list(self._passes()), 0
        results: dict[str, Result] = {}
        with ProgressBar("images", sum(one.images for one in passes)) as bar:
            for one in passes:
                results |= one.take(_shifted(bar.show, before))
                before += one.images
        return results

    def _passes(self) -> Iterator[Pass]:
        asked, plan = self._requested, self._plan
        if asked.reals:
            reading = asked.reals.protocol["count"] if asked.reals.missing(plan) else 0
            yield Pass(reading, self._read_reals)
        if asked.validation:
            yield Pass(asked.validation.count, self._read_validation)
        if plan.of_all_images().metrics:
            yield Pass(self._subject.images.count, self._compare)
        if intra_distance.METRIC in plan.metrics:
            classes = intra_distance.check(
                self._subject.images.name, self._subject.source, self._real_images.images
            )
            yield Pass(asked.how.class_count * len(classes), self._intra_distance)
        for metric in asked.paths:
            yield Pass(asked.how.pairs, functools.partial(self._path, metric))
        if asked.classifier:
            yield Pass(asked.how.separability_count, self._separability)

    @property
    def _real_images(self) -> Reals:
        # Metrics that need them are refused where statistics stand for them.
        assert isinstance(self._requested.reals, Reals)
        return self._requested.reals

    def _read_reals(self, on_count: OnCount) -> dict[str, Result]:
        assert self._requested.reals
        self._known = self._requested.reals.references(self._plan, on_count)
        save = self._requested.how.save_statistics
        if save and metric_names.MAIN in self._known and isinstance(self._requested.reals, Reals):
            extractor = self._plan.extractors[metric_names.MAIN]
            content = references.protocol(self._requested.reals.images, extractor)
            known = self._known[metric_names.MAIN]
            references.save_statistics(pathlib.Path(save), content, known)
        return {}

    def _read_validation(self, on_count: OnCount) -> dict[str, Result]:
        role, images, judging = (
            metric_names.DISCRIMINATOR,
            self._requested.validation,
            self._judging,
        )
        assert images and judging
        judge = overfitting.Judge(judging.network, judging.composition.batch_size)
        features = gather.gather(images, self._plan.needs([role]), on_count)[role].table
        train = self._real_images.images
        inputs = overfitting.Inputs(
            judge,
            train,
            judge.logits(features, images),
            self._subject.images,
            overfitting.warning(train, self._subject.trained_on),
        )
        self._plan = dataclasses.replace(self._plan, overfitting_inputs=inputs)
        return {}

    def _compare(self, on_count: OnCount) -> dict[str, Result]:
        plan = self._plan.of_all_images()
        return measure.measure(plan, self._known, self._subject.images, on_count)

    def _intra_distance(self, on_count: OnCount) -> dict[str, Result]:
        assert self._subject.source  # `intra_distance.check` has seen to it
        found = intra_distance.measure(
            self._plan,
            self._known[metric_names.MAIN],
            self._real_images.images,
            self._subject.source,
            self._requested.how.class_count,
            on_count,
        )
        return {intra_distance.METRIC: found}

    def _path(self, metric: str, on_count: OnCount) -> dict[str, Result]:
        found = path_length.measure(
            metric,
            self._subject.generator,
            self._requested.distance,
            pairs=self._requested.how.pairs,
            crop=self._requested.how.crop,
            seed=self._requested.how.seed,
            frequencies=self._subject.frequencies,
            on_count=on_count,
        )
        return {metric: found}

    def _separability(self, on_count: OnCount) -> dict[str, Result]:
        subject, classifier = self._subject, self._requested.classifier
        assert subject.source and subject.generator and classifier
        return separability.measure(
            subject.source,
            subject.generator,
            classifier,
            count=self._requested.how.separability_count,
            batch_size=self._requested.how.batch_size,
            frequencies=subject.frequencies,
            on_count=on_count,
        )


def _shifted(show: OnCount, before: int) -> OnCount:
    """Returns what shows a count after those of the passes before."""
    return lambda count: show(before + count)
