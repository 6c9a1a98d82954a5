"""What a dataset and a run would take on many machines: arithmetic, of numbers of three kinds.

Counted ones follow from the networks and the format of the files, measured ones were measured on
one core here, and assumed ones are about machines that were not at hand. What can be checked is
(`tests/tools/scale_test.py`): the bytes of checkpoints, of records and of gradients.
"""

import dataclasses
from typing import NamedTuple

from dualcontrast.tools.planning import numbers, speed
from dualcontrast.trainer import dry_run, state
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import stylegan2

# Measured with `tools/benchmark_data.py`'s images, of 256x256, for a second of processor time of
# one core of an AMD EPYC on which other programs ran: JPEG files to PNG records; PNG records read,
# decoded and mirrored, of 64x64 and of 256x256; and bytes of a PNG, made of a JPEG file, for every
# byte of its pixels (0.56 of PNG files, which have more noise).
CONVERTED = 230.0
READ_64, READ_256 = 4308.0, 427.0
PNG = 0.485
MEASURED_SIDE, MEASURED_SMALL = 256, 64
# Of an image's record, beside the image: framing (16), the features' keys, a name of 30 letters.
RECORD_OVERHEAD = 80


@dataclasses.dataclass(frozen=True)
class Machines:
    """What is assumed of them.

    Attributes:
      gpus: of each host.
      cores: of each host.
      network: bytes a second, in and out of each host at the same time.
      link: the same for each GPU inside a host.
      storage: bytes a second that each host reads or writes.
      gpu_speed: operations a second of a GPU in training.
      restart: seconds from a command to the first iteration, without reading a checkpoint.
      least_batch: images of a GPU, below which the batch grows instead.
    """

    gpus: int
    cores: int
    network: float
    link: float
    storage: float
    gpu_speed: float = numbers.GPU_SPEED
    restart: float = 120.0
    least_batch: int = 4


class Networks(NamedTuple):
    """What is counted of a configuration.

    Attributes:
      operations: of training, for each image.
      gradients: bytes that are reduced in an iteration, the mean with lazy steps.
      checkpoint: bytes.
      disk: that a run leaves, besides the dataset.
      read: images that are read for each image of training.
      pixels: of an image, times its channels.
    """

    operations: float
    gradients: float
    checkpoint: int
    disk: float
    read: int
    pixels: int


class Row(NamedTuple):
    """What so many hosts take; seconds, bytes, bytes a second, hours as the names say."""

    hosts: int
    gpus: int
    batch: int
    convert_hours: float
    images_per_second: float
    input_bandwidth: float
    decode_cores: float
    reduced_bytes: float
    reduce_seconds: float
    step_seconds: float
    train_hours: float
    restore_seconds: float
    lost_seconds: float


def count(config: schema.Config) -> Networks:
    """Returns what is counted of a configuration, resolved, of StyleGAN2.

    Raises:
      UserError: it is of another family.
    """
    generator, discriminator = state.make_generator(config), state.make_discriminator(config)
    return Networks(
        operations=speed.operations(config, generator, discriminator),
        gradients=gradient_bytes(config, generator, discriminator),
        checkpoint=dry_run.state_bytes(generator, discriminator),
        disk=sum(dry_run.disk_estimate(config, generator, discriminator)),
        read=1 + config.discriminator.reads_references,
        pixels=config.data.resolution**2 * config.data.channels,
    )


def gradient_bytes(config: schema.Config, generator, discriminator) -> float:
    """Returns the bytes of all gradients of an iteration: of each step's network once, in float32.

    Lazy steps (R1, path length) have gradients of their own.
    """
    of_g, of_d = (
        4 * sum(variable.value.shape.num_elements() for variable in network.trainable_variables)
        for network in (generator, discriminator)
    )
    section, penalties = stylegan2.Generator.expect(config.generator), config.penalties
    lazy_g = 1 / section.path_length_every if section.path_length_weight else 0
    lazy_d = 1 / penalties.r1_every if penalties.r1_gamma else 0
    return of_g * (1 + lazy_g) + of_d * (config.schedule.discriminator_steps + lazy_d)


def record_bytes(pixels: int) -> float:
    """Returns the mean bytes of a record, estimated.

    Args:
      pixels: of an image, times its channels.
    """
    return PNG * pixels + RECORD_OVERHEAD


def decode_seconds(pixels: int) -> float:
    """Returns the seconds of a core to read an image: a line through both sizes measured."""
    small, large = 3 * MEASURED_SMALL**2, 3 * MEASURED_SIDE**2
    slope = (1 / READ_256 - 1 / READ_64) / (large - small)
    return 1 / READ_64 + slope * (pixels - small)


def convert_seconds(pixels: int) -> float:
    """Returns the seconds of a core to convert a source of that size, by its pixels."""
    return pixels / (3 * MEASURED_SIDE**2) / CONVERTED


def row(
    config: schema.Config, counted: Networks, images: int, hosts: int, machines: Machines
) -> Row:
    """Returns what so many hosts take for a dataset of so many images."""
    gpus = hosts * machines.gpus
    batch = max(config.training.batch_size, gpus * machines.least_batch)
    reduced = 2 * (gpus - 1) / gpus * counted.gradients
    reduce_seconds = reduced / (machines.network if hosts > 1 else machines.link)
    shown = batch * config.schedule.discriminator_steps
    step = shown * counted.operations / (gpus * machines.gpu_speed) + reduce_seconds
    rate = shown / step
    read = rate / hosts * counted.read
    restore = counted.checkpoint / machines.storage
    between = config.training.checkpoint_every_images / rate
    return Row(
        hosts=hosts,
        gpus=gpus,
        batch=batch,
        convert_hours=_convert_hours(counted, images, hosts, machines),
        images_per_second=rate,
        input_bandwidth=read * record_bytes(counted.pixels),
        decode_cores=read * decode_seconds(counted.pixels),
        reduced_bytes=reduced,
        reduce_seconds=reduce_seconds,
        step_seconds=step,
        train_hours=config.training.total_images / rate / 3600,
        restore_seconds=restore,
        lost_seconds=between / 2 + machines.restart + restore,
    )


def _convert_hours(counted: Networks, images: int, hosts: int, machines: Machines) -> float:
    """Of decoding and encoding, or of moving the bytes where that takes longer."""
    computing = images * convert_seconds(counted.pixels) / (hosts * machines.cores)
    # Read once, written once; the source's files are taken for as large as the records.
    moving = 2 * images * record_bytes(counted.pixels) / (hosts * machines.storage)
    return max(computing, moving) / 3600
