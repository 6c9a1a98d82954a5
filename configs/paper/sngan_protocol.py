"""What the paper's experiments with SNGAN share.

Source: Miyato and Koyama's program, its settings for ImageNet at 128x128: 450,000 steps of the
generator, each with 128 images on four GPUs, and before each five of the discriminator with 64. The
paper says no more than "SNGAN", so that these settings at 256x256, unconditional and with the
published widths, are our reading of it. Departs from the program, which steps through pixels of
x / 128 - 1 with noise between them; and no moving average is taken of the weights, as there.
"""

from typing import Any, Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import sngan
from dualcontrast.trainer.config.schema import Config

_DISCRIMINATOR_STEPS, _BATCH = 5, 64
_ITERATION = _DISCRIMINATOR_STEPS * _BATCH  # real images
_RATE = {
    "learning_rate": 0.0002,
    "adam_beta_1": 0.0,
    "adam_beta_2": 0.9,
    "adam_epsilon": 1e-8,
    "decay_from_images": 400_000 * _ITERATION,
    "decay_to_images": 450_000 * _ITERATION,
}

PROTOCOL = {
    "generator.architecture": "resnet",
    "generator.latent_size": 128,
    "discriminator.architecture": "resnet",
    "penalties.r1_gamma": 0.0,
    "schedule.order": "generator_first",
    "schedule.discriminator_steps": _DISCRIMINATOR_STEPS,
    "schedule.generator_batch_size": 128,
    "schedule.average.half_life_images": 0,
    "training.batch_size": _BATCH,
    "training.total_images": 450_000 * _ITERATION,
    "training.precision": "float32",
    **{
        f"schedule.{network}.{name}": value
        for network in ("generator", "discriminator")
        for name, value in _RATE.items()
    },
}


def experiment(dataset: Optional[str], row: dict[str, Any]) -> Config:
    """A row of the paper's tables.

    Args:
      dataset: the argument of `--config=ROW:DATASET`; None for images of one's own.
      row: the fields that make the row, by path.

    Raises:
      UserError: the paper has no such dataset.
    """
    base = Config(generator=sngan.Generator(), discriminator=sngan.Discriminator())
    return protocol.on_dataset(schema.replace(base, PROTOCOL | row), dataset)
