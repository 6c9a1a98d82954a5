"""What is measured: images, and the networks behind them where there are any."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from dualcontrast.layers import networks
from dualcontrast.trainer import locations, standing_moments
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.evaluation import fake_labels, generated, image_set
from dualcontrast.trainer.evaluation.fake_labels import Frequencies
from dualcontrast.trainer.evaluation.generated import Source
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features import discriminator
from dualcontrast.trainer.features.extractor import Extractor
from dualcontrast.trainer.metrics.feature_distribution_distance import Composition

# Departs from one for each image (Yu et al. 2021 say no number): they are kept, 200 MB of 256x256.
_MOST_REFERENCES = 1024

# How often each class of a generator is drawn, by its name and its classes; see fake_labels.choose.
Choose = Callable[[str, tuple[str, ...]], Frequencies | None]


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
      images: of it.
      source: that more of them can be drawn from; None where there are only images.
      frequencies: of the classes among the images; None where there are none.
      images_seen: by the generator; None where nobody knows.
      generator: with averaged weights; None where there are only images.
      config: of the run; likewise.
      trained_on: sha256 of the shards of the run's images; likewise.
    """

    images: ImageSet
    source: Source | None = None
    frequencies: Frequencies | None = None
    images_seen: int | None = None
    generator: networks.Generator | None = None
    config: schema.Config | None = None
    trained_on: list[str] | None = None


def of_source(source: Source, count: int, choose: Choose) -> Subject:
    """Returns the images of a generator of which nothing else is known.

    Args:
      source: of the images.
      count: of them.
      choose: how often each class is drawn.

    Raises:
      UserError: see `choose`.
    """
    frequencies = choose(source.name, source.classes)
    return Subject(source.images(count, frequencies), source, frequencies)


def of_run(
    path: str,
    count: int,
    choose: Choose = fake_labels.uniform,
    standing_batches: int = 0,
    **how,
) -> Subject:
    """Returns a checkpoint of a run, with its networks.

    Args:
      path: the run's folder, for its newest checkpoint, or one checkpoint.
      count: images of it.
      choose: how often each class is drawn, where the run has any.
      standing_batches: see `standing_moments.take`.
      **how: see `generated.of_generator`.

    Raises:
      UserError: there is none, or it is damaged; or see `choose`.
    """
    workdir, prefix = checkpoint.locate(locations.of(path))
    classes = tuple(category.name for category in checkpoint.read_classes(str(prefix)))
    frequencies = choose(str(prefix), classes)
    generator, config, images_seen = checkpoint.load_average(str(prefix))
    standing_moments.take(generator, config, standing_batches)
    source = generated.of_generator(
        generator,
        str(prefix),
        images_seen,
        classes=classes,
        standing_batches=standing_batches,
        **how,
    )
    return Subject(
        source.images(count, frequencies),
        source,
        frequencies,
        images_seen=images_seen,
        generator=generator,
        config=config,
        trained_on=(checkpoint.read_data(workdir) or {}).get("sha256"),
    )


def references_of(reals: ImageSet) -> Callable[[], np.ndarray]:
    """Returns what draws references from reals, when it is first called, and remembers them.

    Args:
      reals: to draw from.
    """
    return functools.cache(lambda: image_set.draw(reals, _MOST_REFERENCES))


@dataclasses.dataclass(frozen=True)
class Judging:
    """The discriminator of a run's checkpoint.

    Attributes:
      network: itself, built, in float32.
      extractor: of its features.
      composition: of its batches.
    """

    network: networks.Discriminator
    extractor: Extractor
    composition: Composition


def discriminator_of(subject: Subject, references: Callable[[], np.ndarray]) -> Judging:
    """Returns the discriminator of a run's checkpoint, with its batches.

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
    return Judging(network, extractor, Composition(batch, group, "stored"))
