"""Consistency regularisation in a configuration."""

import dataclasses

from dualcontrast.trainer.config.field import setting


@dataclasses.dataclass(frozen=True)
class ConsistencyConfig:
    """What the logits of changed images, and of neighbouring latents, are held to.

    CR (Zhang et al. 2020) has a weight of reals, bCR (Zhao et al. 2021) of reals and fakes, zCR the
    two of latents, and ICR all four.
    """

    real_weight: float = setting(
        0.0,
        "weight of the squared difference of logits between a real and the same flipped and moved"
        " (0: off); 10 is usual",
        least=0,
    )
    fake_weight: float = setting(0.0, "likewise of fakes, to the discriminator alone", least=0)
    shift: float = setting(
        0.125, "most that images are moved by, as a share of their side", least=0, most=0.5
    )
    latent_weight: float = setting(
        0.0, "weight, to the discriminator, of the same between fakes of z and z + noise", least=0
    )
    generator_weight: float = setting(
        0.0,
        "weight, to the generator, of the squared difference of these fakes, which is made large",
        least=0,
    )
    latent_noise: float = setting(0.1, "standard deviation of that noise", above=0)
