"""Evaluation inside of training: FID every so many images, and the best checkpoint kept."""

import pathlib
import time
from collections.abc import Callable

from dualcontrast.trainer import progress
from dualcontrast.trainer import state as states
from dualcontrast.trainer.checkpoints import best_checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.evaluation import (
    fake_labels,
    generated,
    image_set,
    measure,
    metric_names,
    report,
)
from dualcontrast.trainer.features import embedded, inception
from dualcontrast.trainer.features.extractor import Extractor


class Periodic:
    """Measures the averaged generator of a run.

    Nothing random is drawn from the run's own draws, so a run with evaluations trains the same
    weights, bit for bit, as one without. With classes, each is drawn as often as it is among the
    reals.

    Args:
      config: of the run, resolved.
      dataset: the real images: the first ones in stored order, never flipped.
      workdir: of the run; results go to its metrics-evaluation.jsonl.
      state: of the run.
      log: of the run.

    Raises:
      UserError: the extractor's weights are missing.
    """

    def __init__(
        self,
        config: schema.Config,
        dataset: manifest.Manifest,
        workdir: pathlib.Path,
        state: states.State,
        log: progress.Log,
    ):
        self._state, self._log, self._count = state, log, config.evaluation.images
        self._plan = measure.Plan(
            ("fid",), {metric_names.MAIN: _extractor(config.evaluation)}, error_bars=False
        )
        images = image_set.of_dataset(dataset, None, self._count)
        measure.check_counts(self._plan, images.count, self._count)
        self._reals = measure.Reals(images, workdir / "references")
        self._frequencies = fake_labels.of_reals(images) if config.data.classes else None
        # In float32 and on one device, as it will be released.
        released = schema.replace(config, {"training.precision": "float32"})
        self._generator = states.make_generator(released, name="released")
        self._path = workdir / report.FILE_NAME
        self._best = best_checkpoint.Best(workdir, state)

    def evaluate(self, stopped: Callable[[], bool]) -> None:
        """Measures, says and writes the result, and keeps the checkpoint if it is the best so far.

        What a resumed run has measured before is not measured again.

        Args:
          stopped: whether the run is to stop; the measurement is given up then.

        Raises:
          UserError: images or features are not finite, or the disk is full.
        """
        images_seen, started = int(self._state.images_seen.numpy()), time.monotonic()
        images = self._images(images_seen)
        request = report.request_of(**self._asked())
        for row in report.rows(self._path):
            is_same = (row.get("images_seen"), row.get("request")) == (images_seen, request)
            if is_same and isinstance(row.get("fid"), float):
                self._show(row["fid"], images_seen)
                return

        def watch(count: int) -> None:
            if stopped():
                raise _Stopped

        try:
            results = measure.measure(
                self._plan, self._reals.references(self._plan, watch), images, watch
            )
        except _Stopped:
            return
        row = report.record(
            results,
            images_seen=images_seen,
            fakes=images.name,
            reals=self._reals.images.name,
            protocol={**self._asked(), "fakes": images.protocol},
            request=request,
            seconds=time.monotonic() - started,
        )
        self._say(results["fid"], images_seen, request)
        # After the best checkpoint: without the row, a run killed in between measures once more.
        report.append(self._path, row)
        self._show(results["fid"].estimate.value, images_seen)

    def _images(self, images_seen: int) -> image_set.ImageSet:
        average = self._state.average
        for own, variable in zip(self._generator.variables, average.variables, strict=True):
            own.assign(variable.numpy())
        name = f"average at {images_seen:,} images"
        classes = self._reals.images.classes if self._frequencies else ()
        source = generated.of_generator(self._generator, name, images_seen, classes=classes)
        return source.images(self._count, self._frequencies)

    def _asked(self) -> dict:
        return {
            "metrics": list(self._plan.metrics),
            "reals": self._reals.protocol,
            "fakes": generated.settings(self._count, 0, 1.0, True, self._frequencies),
            "extractors": {role: e.protocol() for role, e in self._plan.extractors.items()},
        }

    def _show(self, fid: float, images_seen: int) -> None:
        """Shows the value in TensorBoard, in one curve with those of equal images and features."""
        extractor = self._plan.extractors[metric_names.MAIN].name
        self._log.write_scalars({f"fid/{extractor}-{self._count}": fid}, images_seen)

    def _say(self, result: measure.Result, images_seen: int, request: str) -> None:
        fid = result.estimate.value
        before = self._best.offer(fid, images_seen, request)
        rank = "the best so far" if before is None else f"best {before:.5g}"
        note = f"; {result.note}" if result.note else ""
        print(
            f"fid {fid:.5g} at {images_seen:,} images, {rank} ({result.extractor}{note})",
            flush=True,
        )


class _Stopped(Exception):
    """The run is to stop before the measurement is complete."""


def _extractor(evaluation: schema.EvaluationConfig) -> Extractor:
    if evaluation.extractor == "embedded":
        return embedded.load()
    return inception.load(evaluation.weights, "--config.evaluation.weights")
