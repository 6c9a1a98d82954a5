"""Draws what a run's discriminator sees: t-SNE of its features, reals blue and generated orange.

The features are the input of the discriminator's last layer, so no other network is needed:

  dualcontrast-tsne --run=RUN --data=DATA --output=OUTPUT

Two runs side by side, a panel each (their features have nothing in common, so each has a plane):

  dualcontrast-tsne --run=BASELINE --run=OURS --data=DATA --output=OUTPUT

OUTPUT/tsne.png is the picture; OUTPUT/tsne.json has the points, how they were made, and how far
both clouds are apart among all features (fddf).
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

import numpy as np
from absl import flags

from dualcontrast.tools.evaluation import evaluated
from dualcontrast.tools.evaluation.evaluated import Subject
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import errors, files, pictures
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import gather, image_set
from dualcontrast.trainer.metrics import embedding, feature_distribution_distance, statistics

_RUN = flags.DEFINE_multi_string(
    "run", None, "A run's folder, or one checkpoint; once for each panel.", required=True
)
_DATA = flags.DEFINE_string("data", None, "The dataset of the real images.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "The folder to write to.", required=True)
_COUNT = flags.DEFINE_integer("count", 2000, "Real images, and as many generated.", lower_bound=2)
_PERPLEXITY = flags.DEFINE_float("perplexity", 30.0, "Neighbours that a point has, about.")
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of images and embedding.", lower_bound=0, upper_bound=2**30
)


def main(argv: list[str]) -> None:
    """Draws the panels that the flags ask for."""
    errors.no_arguments(argv)
    if len(set(_RUN.value)) < len(_RUN.value):
        raise UserError("--run names one checkpoint twice: give different ones, a panel each")
    dataset, folder = manifest.open_dataset(_DATA.value), pathlib.Path(_OUTPUT.value)
    reals = image_set.of_dataset(dataset, _COUNT.value, _COUNT.value)
    runs = [evaluated.of_run(path, count=_COUNT.value, seed=_SEED.value) for path in _RUN.value]
    for run_subject in runs:
        image_set.check_alike((reals.name, reals.resolution, reals.channels), run_subject.images)
    references = evaluated.references_of(reals)
    panels, records = [], []
    with ProgressBar("images", 2 * _COUNT.value * len(runs)) as bar:
        for index, run_subject in enumerate(runs):
            panel, record = _panel(run_subject, reals, references, bar, 2 * _COUNT.value * index)
            panels.append(panel)
            records.append(record)
    files.make_folder(folder, f"--output={folder}")
    pictures.save_png(folder / "tsne.png", embedding.picture(panels))
    files.write(folder / "tsne.json", json.dumps({"panels": records}) + "\n")
    for record in records:
        distances = f"{record['fddf']:.5g}, scale-free {record['fddf_scale_free']:.5g}"
        print(f"{record['title']}: fddf {distances}")
    print(f"{folder / 'tsne.png'} with {len(panels)} panel{'s' if len(panels) > 1 else ''}")


def _panel(
    run_subject: Subject,
    reals: image_set.ImageSet,
    references: Callable[[], np.ndarray],
    bar: ProgressBar,
    before: int,
) -> tuple[embedding.Panel, dict]:
    """Returns a panel, and its points with what they were made from."""
    extractor, composition = evaluated.discriminator_of(run_subject, references)
    need = {"d": gather.Need(extractor, composition.batch_size, whole_batches=True)}

    def features(images: image_set.ImageSet, done: int) -> np.ndarray:
        return gather.gather(images, need, lambda count: bar.show(done + count))["d"].table

    if reals.count < composition.batch_size:
        raise UserError(
            f"--count={_COUNT.value}: expected at least one batch, {composition.batch_size} images"
        )
    of_reals = features(reals, before)
    of_fakes = features(run_subject.images, before + reals.count)
    title = f"{run_subject.images.name} ({run_subject.images_seen:,} images)"
    panel = embedding.embed(title, of_reals, of_fakes, _PERPLEXITY.value, _SEED.value)
    distance = feature_distribution_distance.estimate(
        statistics.deal(of_reals, 1, composition.batch_size),
        statistics.deal(of_fakes, 1, composition.batch_size),
        composition,
    )
    protocol = {
        "discriminator_batches": dataclasses.asdict(composition),
        "extractor": extractor.protocol(),
        "reals": reals.protocol,
        "fakes": run_subject.images.protocol,
    }
    return panel, _record(panel, distance, protocol)


def _record(
    panel: embedding.Panel,
    distance: feature_distribution_distance.FeatureDistributionDistance,
    protocol: dict,
) -> dict:
    return {
        "title": panel.title,
        "fddf": distance.distance.value,
        "fddf_scale_free": distance.scale_free.value,
        "perplexity": _PERPLEXITY.value,
        "seed": _SEED.value,
        **protocol,
        "real_points": _rounded(panel.reals),
        "fake_points": _rounded(panel.fakes),
    }


def _rounded(points: np.ndarray) -> list[list[float]]:
    return [[round(float(x), 3) for x in point] for point in points]


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
