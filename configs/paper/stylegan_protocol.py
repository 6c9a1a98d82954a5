"""What the paper's experiments with StyleGAN share.

Source: Karras et al. 2019 and their program, its settings for eight GPUs at 256x256. The structure
is fixed: with one that grows, the paper's 20 passes of warm-up would end before 32x32 on FFHQ, and
it does not say how the two go together. So batch and step sizes are those of full resolution from
the start.
"""

from typing import Any, Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import stylegan
from dualcontrast.trainer.config.schema import Config

_RATE: dict[str, float] = {
    "learning_rate": 0.002,
    "adam_beta_1": 0.0,
    "adam_beta_2": 0.99,
    "adam_epsilon": 1e-8,
}

PROTOCOL = {
    "generator.latent_size": 512,
    "generator.w_size": 512,
    "generator.mapping_layers": 8,
    "generator.mapping_learning_rate_multiplier": 0.01,
    "generator.fmap_base": 8192,
    "generator.fmap_max": 512,
    "generator.style_mixing_probability": 0.9,
    "discriminator.fmap_base": 8192,
    "discriminator.fmap_max": 512,
    "discriminator.minibatch_stddev_group": 4,
    "penalties.r1_gamma": 10.0,
    "penalties.r1_every": None,
    "schedule.order": "discriminator_first",
    "schedule.average.half_life_images": 10_000,
    "training.batch_size": 32,
    "training.total_images": 25_000_000,
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
    base = Config(generator=stylegan.Generator(), discriminator=stylegan.Discriminator())
    return protocol.on_dataset(schema.replace(base, PROTOCOL | row), dataset)
