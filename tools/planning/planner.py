"""A plan: the choices, the configuration that they make, and what it will cost."""

import dataclasses
from typing import NamedTuple

from dualcontrast.tools.planning import fitting, length, mirror, rules, speed
from dualcontrast.tools.planning.choice import Choice, changes
from dualcontrast.tools.planning.situation import Images, Machine, images_of
from dualcontrast.trainer import dry_run, state
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.loss_sections import DualContrastive
from dualcontrast.trainer.data import manifest


class Plan(NamedTuple):
    """What is written and printed.

    Attributes:
      images, machine: that it is for.
      choices: in the order of the sections of a configuration.
      rate: at which it will train.
      hours: that it will take.
      disk: bytes that it will leave.
    """

    images: Images
    machine: Machine
    choices: list[Choice]
    rate: speed.Rate
    hours: float
    disk: float


def make(dataset: manifest.Manifest, machine: Machine, hours: float | None, measures: bool) -> Plan:
    """Returns the plan for a dataset.

    Args:
      dataset: opened.
      machine: that trains.
      hours: that training may take; None for the length of a run that is known.
      measures: whether the rate is measured, here, or guessed.

    Raises:
      UserError: the data are damaged, too large for the memory, or `hours` are too few.
    """
    images, look = images_of(dataset), mirror.look(dataset)

    def at(side: int) -> schema.Config:
        other = dataclasses.replace(images, resolution=side)
        return configuration(rules.networks_and_losses(other, machine, look), other)

    config = at(images.resolution)
    choices = rules.networks_and_losses(images, machine, look)
    choices.append(fitting.choice(config, machine, at))
    config = configuration(choices, images)
    generator, discriminator = state.make_generator(config), state.make_discriminator(config)
    if measures:
        rate = speed.measure(config, dataset)
    else:
        rate = speed.guess(speed.operations(config, generator, discriminator), machine)
    choices += length.length_and_intervals(
        images,
        machine,
        config.training.batch_size,
        rate.images_per_second,
        hours,
        isinstance(config.loss, DualContrastive),
    )
    total = changes(choices)["training.total_images"]
    choices.append(rules.augmentation(images, machine, total))
    config = configuration(choices, images)
    disk = sum(dry_run.disk_estimate(config, generator, discriminator))
    took = config.training.total_images / rate.images_per_second / 3600
    return Plan(images, machine, in_order(choices), rate, took, disk)


def configuration(choices: list[Choice], images: Images) -> schema.Config:
    """Returns what choices change of the default, with what the images fill in, validated.

    Raises:
      UserError: they contradict each other or the images.
    """
    changed = schema.replace(schema.Config(), changes(choices))
    return schema.resolve(changed, images.resolution, images.channels, images.classes)


def in_order(choices: list[Choice]) -> list[Choice]:
    """Returns choices as a configuration has them: its kinds first, then field by field."""
    kinds = list(schema.CHOICES)
    sections = [field for field in schema.Config.__dataclass_fields__ if field not in kinds]
    places = {name: place for place, name in enumerate([*kinds, *sections])}

    def place(choice: Choice) -> tuple[bool, int]:
        path = next(iter(choice.fields))
        # What a loss has besides its name stands behind all kinds, which make the fields.
        return path not in kinds, places[path.partition(".")[0]]

    return sorted(choices, key=place)
