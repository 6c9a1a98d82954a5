"""ContraD's settings for StyleGAN2."""

from typing import Any

from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.schema import Config

_SYSTEM = {
    "generator.latent_size": 512,
    "generator.w_size": 512,
    "generator.mapping_layers": 8,
    "generator.mapping_learning_rate_multiplier": 0.01,
    "generator.style_mixing_probability": 0.9,
    "generator.path_length_weight": 0.0,
    "discriminator.minibatch_stddev_group": 4,
    "discriminator.head": "mlp",
    "loss": "non_saturating",
    "schedule.order": "generator_first",
    "training.precision": "float32",
    "data.mirror": True,
}
_RATE: dict[str, float] = {"adam_beta_1": 0.0, "adam_beta_2": 0.99, "adam_epsilon": 1e-8}


def system(fmap_base: int, learning_rate: float, half_life: int, others: dict[str, Any]) -> Config:
    """The baseline.

    Args:
      fmap_base: of both networks.
      learning_rate: of both.
      half_life: of the average, in images; before as many it is a copy.
      others: fields that only these experiments have, by path.
    """
    changes: dict[str, Any] = {
        "schedule.average.half_life_images": half_life,
        "schedule.average.start_images": half_life,
    }
    for network in ("generator", "discriminator"):
        changes |= {f"{network}.fmap_base": fmap_base, f"{network}.fmap_max": 512}
        rate = _RATE | {"learning_rate": learning_rate}
        changes |= {f"schedule.{network}.{name}": value for name, value in rate.items()}
    return schema.replace(Config(), _SYSTEM | changes | others)
