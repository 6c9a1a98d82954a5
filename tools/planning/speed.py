"""How many images a second training takes in: measured, or guessed from what was measured once."""

import time
from typing import NamedTuple

from dualcontrast.tools.planning import numbers
from dualcontrast.tools.planning.situation import Machine
from dualcontrast.trainer import devices, draws, dry_run, state, steps
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.loss_sections import DualContrastive
from dualcontrast.trainer.data import image_stream, manifest

# The least common multiple of the intervals of R1 and path length, 16 and 4.
_CYCLE = 16


class Rate(NamedTuple):
    """Images a second over all devices, and where the number is from, for people."""

    images_per_second: float
    source: str


def operations(config: schema.Config, generator, discriminator) -> float:
    """Returns the operations of training for each image: two a multiply-add of a layer.

    docs/performance.md counts the passes: D takes F_G + 6 F_D, G 3 F_G + 2 F_D and the dual
    contrastive loss F_D more, R1 6 F_D, path length 6 F_G on a part of the batch.

    Args:
      config: resolved, of StyleGAN2 with R1.
      generator, discriminator: the networks that it describes.
    """
    section = stylegan2.Generator.expect(config.generator)
    lazy = section.path_length_every * section.path_length_batch_shrink
    of_g = 4 + (6 / lazy if section.path_length_weight else 0)
    of_d = 8 + isinstance(config.loss, DualContrastive) + 6 / config.penalties.r1_every
    return 2 * (
        of_g * sum(row.multiply_adds for row in dry_run.generator_rows(generator))
        + of_d * sum(row.multiply_adds for row in dry_run.discriminator_rows(discriminator))
    )


def guess(work: float, machine: Machine) -> Rate:
    """Returns the rate of a machine that nothing is known about.

    Args:
      work: `operations`.
      machine: that trains.
    """
    if machine.gpus:
        speed = machine.gpus * numbers.GPU_SPEED
        return Rate(speed / work, "a guess: an A100's by arithmetic; --measure measures")
    speed = min(machine.cores, numbers.CPU_CORES) * numbers.CPU_CORE_SPEED
    return Rate(speed / work, "a guess: two cores' of docs/results.md; --measure measures")


def measure(config: schema.Config, dataset: manifest.Manifest) -> Rate:
    """Returns the rate of some iterations on this machine, which are trained and thrown away.

    Args:
      config: resolved.
      dataset: opened.

    Raises:
      UserError: the data are damaged.
    """
    strategy = devices.make_strategy()
    with strategy.scope():
        networks = state.State(config)
    trainer = steps.Steps(config, networks, strategy, dataset.class_counts)
    shown = _shown(config, dataset, strategy)
    # Behind the warm-up, where most of a run is, at an iteration that has every lazy step.
    start = getattr(config.loss, "warmup_images", 0)
    cycle = _CYCLE * config.iteration_images
    first = -(-start // cycle) * cycle
    _finish(trainer.iterate([shown], first))  # compiled
    started = time.monotonic()
    for number in range(_CYCLE):
        last = trainer.iterate([shown], first + number * config.iteration_images)
    _finish(last)
    seconds = time.monotonic() - started
    return Rate(cycle / seconds, f"measured here in {_CYCLE} iterations")


def _finish(metrics: steps.Metrics) -> None:
    for value in metrics.values():
        float(value)


def _shown(config: schema.Config, dataset: manifest.Manifest, strategy) -> steps.Shown:
    """Returns every device's share of a batch."""
    batches = image_stream.labelled_batches(
        dataset,
        batch_size=config.training.batch_size,
        seed=config.training.seed,
        start_image=0,
        mirror=config.data.mirror,
    )
    try:
        images, labels = next(iter(batches))
    except image_stream.READ_ERRORS as error:
        raise image_stream.explain(error, dataset) from error

    known = draws.shares(labels, strategy) if config.data.labels else None
    return steps.Shown(draws.shares(images, strategy), None, known)
