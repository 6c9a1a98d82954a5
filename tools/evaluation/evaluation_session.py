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
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import (
    encodings,
    fake_labels,
    image_set,
    intra_distance,
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


@dataclasses.dataclass(frozen=True)
class Settings:
    """How it is measured.

    Attributes:
      batch_size: images that an extractor sees at once.
      error_bars: whether distances are also taken without one tenth of the images at a time.
      seed: of all draws.
      pairs, crop: of the path lengths.
      class_count: generated images of each class, for intra-FID.
      labels: of the generated images, see `fake_labels.choose`.
      save_statistics: file for the statistics of the reals.
    """

    batch_size: int = 32
    error_bars: bool = True
    seed: int = 0
    pairs: int = 50_000
    crop: bool = False
    class_count: int = 5000
    labels: str | None = None
    save_statistics: str | None = None


class Session:
    """What stays the same from one checkpoint to the next.

    Args:
      plan: without what depends on the checkpoint.
      paths: the path lengths to take, keys of `metric_names.PATH_LENGTHS`.
      reals: None where nothing is compared.
      distance: LPIPS, where a path length is taken.
      how: it is measured.
    """

    def __init__(
        self,
        plan: Plan,
        paths: tuple[str, ...],
        reals: Reals | KnownReals | None,
        distance: lpips.Distance | None,
        how: Settings,
    ):
        self._plan, self._paths, self._reals = plan, paths, reals
        self._distance, self._how = distance, how

    def choose(self, name: str, classes: tuple[str, ...]) -> fake_labels.Frequencies | None:
        """Returns how often each class of a generator is drawn; see `fake_labels.choose`."""
        reals = self._labelled if classes else None
        return fake_labels.choose(name, classes, reals, self._how.labels)

    @functools.cached_property
    def _labelled(self) -> ImageSet | None:
        """The images whose labels the generated ones may follow, compared with or not."""
        if isinstance(self._reals, Reals):
            return self._reals.images
        path = evaluation_flags.DATA.value
        if path is None or not (pathlib.Path(path) / manifest.FILE_NAME).exists():
            return None
        return evaluation_inputs.real_images(self._plan.seed)

    def evaluate(self, subject: Subject) -> dict[str, Any]:
        """Measures, prints the table, and returns the row for metrics-evaluation.jsonl.

        Raises:
          UserError: the images are too few, or not like the real ones, or not what they should be.
        """
        started = time.monotonic()
        self._check_alike(subject.images)
        plan = self._plan_for(subject)
        self._check_counts(plan.of_all_images(), subject.images.count)
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
        if intra_distance.METRIC in plan.metrics:
            content["intra_fid"] = {
                "fakes_of_a_class": self._how.class_count,
                "least_reals": intra_distance.LEAST_REALS,
            }
        if self._paths:
            content["path_length"] = {
                "lpips_sha256": self._distance.digest,
                "pairs": self._how.pairs,
                "crop": self._how.crop,
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
        of_all = plan.of_all_images()
        drawing = subject.images.count if of_all.metrics else 0
        classes = self._how.class_count * len(self._measured_classes(subject))
        total = reading + drawing + classes + self._how.pairs * len(self._paths)
        with ProgressBar("images", total) as bar:
            known = {}
            if self._reals:
                known = self._reals.references(plan, bar.show)
                self._save_statistics(plan, known)
            results = {}
            if of_all.metrics:
                results = measure.measure(
                    of_all, known, subject.images, lambda count: bar.show(reading + count)
                )
            if classes:
                results[intra_distance.METRIC] = self._intra_distance(
                    plan, known, subject, bar, reading + drawing
                )
            for place, metric in enumerate(self._paths):
                before = reading + drawing + classes + place * self._how.pairs
                results[metric] = self._path_length(metric, subject, bar, before)
        return results

    def _measured_classes(self, subject: Subject) -> list[int]:
        """Returns the classes that are measured by themselves."""
        if intra_distance.METRIC not in self._plan.metrics:
            return []
        assert isinstance(self._reals, Reals)  # refused where statistics stand for them
        return intra_distance.check(subject.images.name, subject.source, self._reals.images)

    def _intra_distance(
        self, plan: Plan, known: dict, subject: Subject, bar: ProgressBar, before: int
    ) -> Result:
        assert isinstance(self._reals, Reals) and subject.source
        return intra_distance.measure(
            plan,
            known[metric_names.MAIN],
            self._reals.images,
            subject.source,
            self._how.class_count,
            lambda count: bar.show(before + count),
        )

    def _path_length(self, metric: str, subject: Subject, bar: ProgressBar, before: int) -> Result:
        return path_length.measure(
            metric,
            subject.generator,
            self._distance,
            pairs=self._how.pairs,
            crop=self._how.crop,
            seed=self._how.seed,
            frequencies=subject.frequencies,
            on_count=lambda count: bar.show(before + count),
        )

    def _save_statistics(self, plan: Plan, known: dict) -> None:
        save = self._how.save_statistics
        if not save or metric_names.MAIN not in known or not isinstance(self._reals, Reals):
            return
        content = references.protocol(self._reals.images, plan.extractors[metric_names.MAIN])
        path = pathlib.Path(save)
        references.save_statistics(path, content, known[metric_names.MAIN])

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
    if set(by_features) - {"fddf"}:
        extractors[metric_names.MAIN] = evaluation_inputs.main_extractor()
        if "precision_recall" in by_features and evaluation_flags.VGG16.value:
            extractors[metric_names.SHAPE] = vgg16.load(evaluation_flags.VGG16.value)
    plan = Plan(by_features, extractors, None, how.batch_size, how.error_bars, how.seed)
    reals = _reals(plan) if plan.compares() else None
    return Session(plan, paths, reals, distance, how)


def _reals(plan: Plan) -> Reals | KnownReals:
    path = pathlib.Path(evaluation_flags.DATA.value)
    if path.suffix != ".npz":
        return Reals(evaluation_inputs.real_images(plan.seed), evaluation_flags.cache_folder())
    if set(plan.metrics) - {"fid", "is"}:
        greedy = next(name for name in plan.metrics if name not in ("fid", "is"))
        raise UserError(
            f"--metrics={greedy} needs every feature of the real images, and --data={path} holds "
            "statistics: give the dataset or the folder"
        )
    return KnownReals(*references.load_statistics(path, plan.extractors[metric_names.MAIN]))
