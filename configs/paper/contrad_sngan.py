"""ContraD's settings for the two architectures with SNDCGAN's generator."""

from dualcontrast.configs.paper.contrad_protocol import Setting
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import sngan
from dualcontrast.trainer.config.schema import Config

CIFAR = {name: Setting(32, (64, 512), 200_000) for name in ("cifar10", "cifar100")}
_RATE = {
    "learning_rate": 0.0002,
    "adam_beta_1": 0.5,
    "adam_beta_2": 0.999,
    "adam_epsilon": 1e-8,
}
_SYSTEM = {
    "generator.architecture": "dcgan",
    "generator.latent_size": 128,
    "generator.latent": "uniform",
    "discriminator.head": "mlp",
    "loss": "non_saturating",
    "penalties.r1_gamma": 0.0,
    "schedule.order": "discriminator_first",
    "schedule.average.half_life_images": 0,
    "training.precision": "float32",
    **{
        f"schedule.{network}.{name}": value
        for network in ("generator", "discriminator")
        for name, value in _RATE.items()
    },
}


def system(architecture: str) -> Config:
    """The baseline with a discriminator of SNGAN's family."""
    base = Config(generator=sngan.Generator(), discriminator=sngan.Discriminator())
    return schema.replace(base, _SYSTEM | {"discriminator.architecture": architecture})
