"""What the paper's experiments with BigGAN's networks without classes share.

Source: the program of Schonfeld et al. 2020 (github.com/boschresearch/unetgan), its settings for
FFHQ. An average of the weights and of the moments with decay 0.9999 a step begins after 21,000
steps. The program does not say when it ends: 25 million images are the paper's for StyleGAN2.
"""

import math
from typing import Any, Optional, Union

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import biggan, unet
from dualcontrast.trainer.config.schema import Config

_BATCH = 20
_ADAM = {"adam_beta_1": 0.0, "adam_beta_2": 0.999, "adam_epsilon": 1e-6}


def half_life(batch: int) -> int:
    """Returns the images in which an average with decay 0.9999 a step forgets one half."""
    return round(batch * math.log(0.5) / math.log(0.9999))


PROTOCOL = {
    "generator.latent_size": 128,
    "generator.width": 64,
    "generator.attention_resolution": None,
    "discriminator.width": 64,
    "penalties.r1_gamma": 0.0,
    "schedule.order": "discriminator_first",
    "schedule.discriminator_steps": 1,
    "schedule.generator.learning_rate": 0.0001,
    "schedule.discriminator.learning_rate": 0.0005,
    "schedule.average.half_life_images": half_life(_BATCH),
    "schedule.average.start_images": 21_000 * _BATCH,
    "schedule.average.moments": True,
    "training.batch_size": _BATCH,
    "training.total_images": 25_000_000,
    "training.precision": "float32",
    **{
        f"schedule.{network}.{name}": value
        for network in ("generator", "discriminator")
        for name, value in _ADAM.items()
    },
}


def experiment(
    dataset: Optional[str],
    discriminator: Union[biggan.Discriminator, unet.Discriminator],
    row: dict[str, Any],
) -> Config:
    """A row of the paper's tables.

    Args:
      dataset: the argument of `--config=ROW:DATASET`; None for images of one's own.
      discriminator: that BigGAN's generator is trained with.
      row: the fields that make the row, by path.

    Raises:
      UserError: the paper has no such dataset.
    """
    base = Config(generator=biggan.Generator(), discriminator=discriminator)
    return protocol.on_dataset(schema.replace(base, PROTOCOL | row), dataset)
