"""One evaluation after another with the same metrics, networks and real images."""

import dataclasses
import functools
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dualcontrast.tools.evaluation import evaluated, evaluation_flags, evaluation_inputs
from dualcontrast.tools.evaluation.evaluated import Subject
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import (
    encodings,
    image_set,
    measure,
    metric_names,
    path_length,
    references,
    report,
)
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.measure import KnownReals, Plan, Reals, Result
from dualcontrast.trainer.features import lpips, vgg16
from dualcontrast.trainer.features.extractor import Extractor


class Session:
    """What stays the same from one checkpoint to the next.

    Args:
      plan: without what depends on the checkpoint.
      paths: the path lengths to take, keys of `metric_names.PATH_LENGTHS`.
      reals: None where nothing is compared.
      distance: LPIPS, where a path length is taken.
      pairs, crop: of the path lengths.
      save_statistics: file for the statistics of the reals.
    """

    def __init__(
        self,
        plan: Plan,
        paths: tuple[str, ...],
        reals: Reals | KnownReals | None,
        distance: lpips.Distance | None,
        pairs: int,
        crop: bool,
        save_statistics: str | None,
    ):
        self._plan, self._paths, self._reals = plan, paths, reals
        self._distance, self._pairs, self._crop = distance, pairs, crop
        self._save = save_statistics

    def evaluate(self, subject: Subject) -> dict[str, Any]:
        """Measures, prints the table, and returns the row for metrics-evaluation.jsonl.

        Raises:
          UserError: the images are too few, or not like the real ones, or not what they should be.
        """
        started = time.monotonic()
        self._check_alike(subject.images)
        plan = self._plan_for(subject)
        self._check_counts(plan, subject.images.count)
        results = self._with_warning(self._measure(plan, subject), subject)
        print(f"{subject.images.name} against {self._reals_name()}")
        print(report.table(results), flush=True)
        return report.record(
            results,
            images_seen=subject.images_seen,
            fakes=subject.images.name,
            reals=self._reals_name(),
            protocol=self._protocol(plan, subject.images.protocol),
            request=self.request(subject.images),
            seconds=time.monotonic() - started,
        )

    def request(self, images: ImageSet) -> str:
        """Returns a hash of what is asked, the same for every checkpoint of a run."""
        of_checkpoint = ("images_seen", "weights")
        fakes = {k: v for k, v in images.protocol.items() if k not in of_checkpoint}
        return report.request_of(**self._protocol(self._plan, fakes))

    def _protocol(self, plan: Plan, fakes: dict) -> dict[str, Any]:
        content = {
            "metrics": [*plan.metrics, *self._paths],
            "reals": self._reals.protocol if self._reals else None,
            "fakes": fakes,
            "extractors": {role: e.protocol() for role, e in plan.extractors.items()},
            "error_bars": plan.error_bars,
            "subset_seed": plan.seed,
        }
        if plan.composition:
            content["discriminator_batches"] = dataclasses.asdict(plan.composition)
        if self._paths:
            content["path_length"] = {
                "lpips_sha256": self._distance.digest,
                "pairs": self._pairs,
                "crop": self._crop,
                "epsilon": 1e-4,
            }
        return content

    def _plan_for(self, subject: Subject) -> Plan:
        if "fddf" not in self._plan.metrics:
            return self._plan
        extractor, composition = evaluated.discriminator_of(subject, self._draw_references)
        extractors = {**self._plan.extractors, metric_names.DISCRIMINATOR: extractor}
        return dataclasses.replace(self._plan, extractors=extractors, composition=composition)

    @functools.cached_property
    def _draw_references(self) -> Callable[[], np.ndarray]:
        assert isinstance(self._reals, Reals)  # fddf is refused where statistics stand for them
        return evaluated.references_of(self._reals.images)

    def _check_alike(self, images: ImageSet) -> None:
        if self._plan.metrics and self._reals:
            reals = self._reals.protocol
            about = self._reals_name(), reals["resolution"], reals["channels"]
            image_set.check_alike(about, images)

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

    def _check_counts(self, plan: Plan, fakes: int) -> None:
        if plan.metrics:
            reals = self._reals.protocol["count"] if self._reals else None
            measure.check_counts(plan, reals, fakes)

    def _measure(self, plan: Plan, subject: Subject) -> dict[str, Result]:
        reading = self._reals.protocol["count"] if self._reals and self._reals.missing(plan) else 0
        drawing = subject.images.count if plan.metrics else 0
        with ProgressBar("images", reading + drawing + self._pairs * len(self._paths)) as bar:
            known = {}
            if self._reals:
                known = self._reals.references(plan, bar.show)
                self._save_statistics(plan, known)
            results = {}
            if plan.metrics:
                results = measure.measure(
                    plan, known, subject.images, lambda count: bar.show(reading + count)
                )
            for place, metric in enumerate(self._paths):
                before = reading + drawing + place * self._pairs
                results[metric] = self._path_length(metric, subject, plan.seed, bar, before)
        return results

    def _path_length(
        self, metric: str, subject: Subject, seed: int, bar: ProgressBar, before: int
    ) -> Result:
        return path_length.measure(
            metric,
            subject.generator,
            self._distance,
            pairs=self._pairs,
            crop=self._crop,
            seed=seed,
            on_count=lambda count: bar.show(before + count),
        )

    def _save_statistics(self, plan: Plan, known: dict) -> None:
        if not self._save or metric_names.MAIN not in known or not isinstance(self._reals, Reals):
            return
        content = references.protocol(self._reals.images, plan.extractors[metric_names.MAIN])
        path = pathlib.Path(self._save)
        references.save_statistics(path, content, known[metric_names.MAIN])

    def _reals_name(self) -> str:
        return evaluation_flags.DATA.value if self._reals else "nothing"


def open_session(
    metrics: tuple[str, ...],
    *,
    batch_size: int,
    error_bars: bool,
    seed: int,
    pairs: int,
    crop: bool,
    save_statistics: str | None,
) -> Session:
    """Loads the networks and opens the real images that the flags name.

    Raises:
      UserError: weights or images are missing, or something else than they should be.
    """
    by_features = tuple(name for name in metrics if name in metric_names.ROLES)
    paths = tuple(name for name in metrics if name in metric_names.PATH_LENGTHS)
    distance = None
    if paths:
        distance = lpips.load(evaluation_flags.VGG16.value, evaluation_flags.LPIPS.value)
    extractors: dict[str, Extractor] = {}
    if set(by_features) - {"fddf"}:
        extractors[metric_names.MAIN] = evaluation_inputs.main_extractor()
        if "precision_recall" in by_features and evaluation_flags.VGG16.value:
            extractors[metric_names.SHAPE] = vgg16.load(evaluation_flags.VGG16.value)
    plan = Plan(by_features, extractors, None, batch_size, error_bars, seed)
    reals = _reals(plan, seed) if plan.compares() else None
    return Session(plan, paths, reals, distance, pairs, crop, save_statistics)


def _reals(plan: Plan, seed: int) -> Reals | KnownReals:
    path = pathlib.Path(evaluation_flags.DATA.value)
    if path.suffix != ".npz":
        return Reals(evaluation_inputs.real_images(seed), evaluation_flags.cache_folder())
    if set(plan.metrics) - {"fid", "is"}:
        greedy = next(name for name in plan.metrics if name not in ("fid", "is"))
        raise UserError(
            f"--metrics={greedy} needs every feature of the real images, and --data={path} holds "
            "statistics: give the dataset or the folder"
        )
    return KnownReals(*references.load_statistics(path, plan.extractors[metric_names.MAIN]))
