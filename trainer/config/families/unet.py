"""U-Net GAN (Schonfeld et al. 2020): BigGAN's generator, and a discriminator of every pixel."""

import dataclasses
from typing import Any, Optional

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.families import biggan
from dualcontrast.trainer.config.field import setting
from dualcontrast.trainer.errors import UserError

_SIDES = (32, 64, 128, 256)


# Its own is BigGAN's, though a run's other one may be of any family.
Generator = biggan.Generator


@dataclasses.dataclass(frozen=True)
class Discriminator(section.DiscriminatorSection):
    """The discriminator."""

    judges_pixels = True
    width: Optional[int] = setting(
        None, "feature maps of the first and the last layers (none: the program's, 64)", least=1
    )

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.unet import discriminator

        return discriminator.Discriminator(**images._asdict(), width=self.width, **keras)

    def check(self, images: section.Images) -> None:
        """Checks the resolution."""
        if images.resolution not in (None, *_SIDES):
            raise UserError(
                f"config field data.resolution: got {images.resolution}, expected one of"
                f" {', '.join(map(str, _SIDES))} with the networks of U-Net GAN"
            )
