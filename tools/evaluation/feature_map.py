"""The picture of dualcontrast-tsne: what discriminators see of reals and generated images."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import numpy as np

from dualcontrast.tools.evaluation import evaluated
from dualcontrast.tools.evaluation.evaluated import Subject
from dualcontrast.tools.terminal.progress_bar import ProgressBar
from dualcontrast.trainer import files, folder_lock, pictures
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import fake_labels, gather, image_set
from dualcontrast.trainer.metrics import embedding, feature_distribution_distance, statistics

PICTURE = "tsne.png"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a map is drawn.

    Attributes:
      count: real images, and as many generated.
      perplexity: neighbours that a point has, about.
      seed: of images and embedding.
    """

    count: int
    perplexity: float
    seed: int


def draw(
    runs: list[str], dataset: manifest.Manifest, how: Settings, folder: pathlib.Path
) -> list[dict]:
    """Writes the picture and its points, and returns the content of the latter, one a panel.

    Args:
      runs: a panel each.
      dataset: of the reals.
      how: it is drawn.
      folder: for both files, made if need be.

    Raises:
      UserError: a run cannot be read, its images are of another size, or the folder cannot be
        written.
    """
    reals = image_set.of_dataset(dataset, how.count, how.count)
    subjects = [
        evaluated.of_run(
            path,
            how.count,
            lambda name, classes: fake_labels.choose(name, classes, reals, None),
            seed=how.seed,
        )
        for path in runs
    ]
    for run_subject in subjects:
        image_set.check_alike((reals.name, reals.resolution, reals.channels), run_subject.images)
    references = evaluated.references_of(reals)
    panels, records = [], []
    with ProgressBar("images", 2 * how.count * len(subjects)) as bar:
        for index, run_subject in enumerate(subjects):
            before = 2 * how.count * index
            panel, record = _panel(run_subject, reals, references, how, bar, before)
            panels.append(panel)
            records.append(record)
    with folder_lock.output(folder):
        pictures.save_png(folder / PICTURE, embedding.picture(panels))
        files.write(folder / "tsne.json", json.dumps({"panels": records}) + "\n")
    return records


def _panel(
    run_subject: Subject,
    reals: image_set.ImageSet,
    references: Callable[[], np.ndarray],
    how: Settings,
    bar: ProgressBar,
    before: int,
) -> tuple[embedding.Panel, dict]:
    """Returns a panel, and its points with what they were made from."""
    judging = evaluated.discriminator_of(run_subject, references)
    extractor, composition = judging.extractor, judging.composition
    need = {"d": gather.Need(extractor, composition.batch_size, whole_batches=True)}

    def features(images: image_set.ImageSet, done: int) -> np.ndarray:
        return gather.gather(images, need, lambda count: bar.show(done + count))["d"].table

    if reals.count < composition.batch_size:
        raise UserError(
            f"--count={how.count}: expected at least one batch, {composition.batch_size} images"
        )
    of_reals = features(reals, before)
    of_fakes = features(run_subject.images, before + reals.count)
    title = f"{run_subject.images.name} ({run_subject.images_seen:,} images)"
    panel = embedding.embed(title, of_reals, of_fakes, how.perplexity, how.seed)
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
    return panel, _record(panel, distance, how, protocol)


def _record(
    panel: embedding.Panel,
    distance: feature_distribution_distance.FeatureDistributionDistance,
    how: Settings,
    protocol: dict,
) -> dict:
    return {
        "title": panel.title,
        "fddf": distance.distance.value,
        "fddf_scale_free": distance.scale_free.value,
        "perplexity": how.perplexity,
        "seed": how.seed,
        **protocol,
        "real_points": _rounded(panel.reals),
        "fake_points": _rounded(panel.fakes),
    }


def _rounded(points: np.ndarray) -> list[list[float]]:
    return [[round(float(x), 3) for x in point] for point in points]
