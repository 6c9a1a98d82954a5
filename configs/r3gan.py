"""R3GAN."""

from dualcontrast.trainer.config.families import r3gan
from dualcontrast.trainer.config.loss_sections import Relativistic
from dualcontrast.trainer.config.schema import Config


def get_config() -> Config:
    """A recipe."""
    return Config(
        generator=r3gan.Generator(), discriminator=r3gan.Discriminator(), loss=Relativistic()
    )
