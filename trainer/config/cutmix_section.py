"""U-Net GAN's mixed images in a configuration."""

import dataclasses

from dualcontrast.trainer.config.field import setting


@dataclasses.dataclass(frozen=True)
class CutMixConfig:
    """Images with a box of another one, which a discriminator that judges pixels is shown.

    The two schedules of Schonfeld et al. 2020's program: mixed images in place of the others with a
    probability (FFHQ: 0.5), or beside them in every step with a weight (CelebA: 1).
    """

    probability: float = setting(
        0.0,
        "of a step of the discriminator on mixed images, in place of the adversarial loss (0: off)",
        least=0,
        most=1,
    )
    weight: float = setting(
        0.0, "of the same loss of mixed images beside the adversarial loss (0: off)", least=0
    )
    warmup_images: int = setting(
        0, "images at the start in which probability and weight rise from 0", least=0
    )
    consistency_weight: float = setting(
        1.0,
        "within that loss: weight of the squared difference between the logits of mixed images'"
        " pixels and the mixed logits of pixels",
        least=0,
    )
