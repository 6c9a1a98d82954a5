"""What is measured: images, and the networks behind them where there are any."""

import dataclasses
import pathlib

from dualcontrast.layers import generator as generators
from dualcontrast.trainer import checkpoint
from dualcontrast.trainer import config as configs
from dualcontrast.trainer.evaluation import generated
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features import discriminator
from dualcontrast.trainer.features.extractor import Extractor
from dualcontrast.trainer.metrics.feature_distribution_distance import Composition


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
      images: of it.
      images_seen: by the generator; None where nobody knows.
      generator: with averaged weights; None where there are only images.
      config: of the run; likewise.
    """

    images: ImageSet
    images_seen: int | None = None
    generator: generators.Generator | None = None
    config: configs.Config | None = None


def of_run(path: str, **how) -> Subject:
    """Returns a checkpoint of a run, with its networks.

    Args:
      path: the run's folder, for its newest checkpoint, or one checkpoint.
      **how: see `generated.of_generator`.

    Raises:
      UserError: there is none, or it is damaged.
    """
    _, prefix = checkpoint.locate(pathlib.Path(path))
    generator, config, images_seen = checkpoint.load_average(str(prefix))
    images = generated.of_generator(generator, str(prefix), images_seen, **how)
    return Subject(images, images_seen, generator, config)


def discriminator_of(subject: Subject) -> tuple[Extractor, Composition]:
    """Returns the discriminator of a run's checkpoint as an extractor, and its batches.

    Raises:
      UserError: the checkpoint is gone or damaged.
    """
    network = checkpoint.load_discriminator(subject.images.name)
    batch, most = subject.config.training.batch_size, network.minibatch_stddev.group
    group = max(size for size in range(1, most + 1) if batch % size == 0)
    extractor = discriminator.load(network, generated.weights_digest(network))
    return extractor, Composition(batch, group, "stored")
