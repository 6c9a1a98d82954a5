"""U-Net GAN on StyleGAN2's networks: its generator, and a discriminator of every pixel upon its."""

import dataclasses
from typing import Any

from dualcontrast.trainer.config import section
from dualcontrast.trainer.config.families import stylegan2

# Its own is StyleGAN2's, though a run's other one may be of any family.
Generator = stylegan2.Generator


@dataclasses.dataclass(frozen=True)
class Discriminator(stylegan2.Encoder):
    """The discriminator."""

    judges_pixels = True

    def make(self, images: section.Images, **keras: Any) -> Any:
        """Returns the discriminator, unbuilt."""
        from dualcontrast.layers.unet import stylegan2_discriminator

        return stylegan2_discriminator.StyleGAN2Discriminator(**self.encoder(images), **keras)
