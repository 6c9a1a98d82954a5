"""What is measured: images, and the networks behind them where there are any."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import numpy as np

from dualcontrast.layers import networks
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.evaluation import generated, image_set
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features import discriminator
from dualcontrast.trainer.features.extractor import Extractor
from dualcontrast.trainer.metrics.feature_distribution_distance import Composition

# Departs from one for each image (Yu et al. 2021 say no number): they are kept, 200 MB of 256x256.
_MOST_REFERENCES = 1024


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
      images: of it.
      images_seen: by the generator; None where nobody knows.
      generator: with averaged weights; None where there are only images.
      config: of the run; likewise.
      trained_on: sha256 of the shards of the run's images; likewise.
    """

    images: ImageSet
    images_seen: int | None = None
    generator: networks.Generator | None = None
    config: schema.Config | None = None
    trained_on: list[str] | None = None


def of_run(path: str, **how) -> Subject:
    """Returns a checkpoint of a run, with its networks.

    Args:
      path: the run's folder, for its newest checkpoint, or one checkpoint.
      **how: see `generated.of_generator`.

    Raises:
      UserError: there is none, or it is damaged.
    """
    workdir, prefix = checkpoint.locate(pathlib.Path(path))
    generator, config, images_seen = checkpoint.load_average(str(prefix))
    images = generated.of_generator(generator, str(prefix), images_seen, **how)
    data = checkpoint.read_data(workdir) or {}
    return Subject(images, images_seen, generator, config, data.get("sha256"))


def references_of(reals: ImageSet) -> Callable[[], np.ndarray]:
    """Returns what draws references from reals, when it is first called, and remembers them.

    Args:
      reals: to draw from.
    """
    return functools.cache(lambda: image_set.draw(reals, _MOST_REFERENCES))


def discriminator_of(
    subject: Subject, references: Callable[[], np.ndarray]
) -> tuple[Extractor, Composition]:
    """Returns the discriminator of a run's checkpoint as an extractor, and its batches.

    Args:
      subject: of a run.
      references: from `references_of`; called if the discriminator needs any.

    Raises:
      UserError: the checkpoint is gone or damaged.
    """
    network = checkpoint.load_discriminator(subject.images.name)
    batch = subject.config.training.batch_size
    group = subject.config.discriminator.group(batch)
    drawn = references() if network.takes_references else None
    extractor = discriminator.load(network, generated.weights_digest(network), drawn)
    return extractor, Composition(batch, group, "stored")
