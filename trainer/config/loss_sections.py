"""The adversarial losses that a configuration may name, each with the fields that it alone has."""

import dataclasses

from dualcontrast.trainer.config.field import setting


@dataclasses.dataclass(frozen=True)
class LossSection:
    """The section of a loss; `family` is its name in `--config.loss=NAME` and in config.json."""

    family = ""


@dataclasses.dataclass(frozen=True)
class DualContrastive(LossSection):
    """The dual contrastive loss (Yu et al. 2021): a real against fakes, and the dual."""

    family = "dual_contrastive"
    generator_objective: str = setting(
        "minimax",
        "the generator maximises the discriminator's loss (minimax), or minimises it with real and"
        " fake swapped (swapped)",
        choices=("minimax", "swapped"),
    )
    contrast_scope: str = setting(
        "global",
        "contrast with the whole batch, with the replica's share, or one real with one fake (pair):"
        " the relativistic pairing loss",
        choices=("global", "replica", "pair"),
    )
    warmup_images: int = setting(
        1_400_000, "images at the start that train with another loss", least=0
    )
    warmup_loss: str = setting(
        "non_saturating", "that loss: the system's own", choices=("non_saturating", "hinge")
    )


@dataclasses.dataclass(frozen=True)
class NonSaturating(LossSection):
    """The non-saturating logistic loss (Goodfellow et al. 2014), StyleGAN2's."""

    family = "non_saturating"


@dataclasses.dataclass(frozen=True)
class Saturating(LossSection):
    """The minimax game of Goodfellow et al. 2014."""

    family = "saturating"


@dataclasses.dataclass(frozen=True)
class Wasserstein(LossSection):
    """The Wasserstein loss (Arjovsky et al. 2017)."""

    family = "wasserstein"
    drift: float = setting(0.001, "weight of the squared logits of reals", least=0)


@dataclasses.dataclass(frozen=True)
class Hinge(LossSection):
    """The hinge loss (Lim and Ye 2017) of SNGAN, SAGAN and BigGAN."""

    family = "hinge"


@dataclasses.dataclass(frozen=True)
class Relativistic(LossSection):
    """The relativistic pairing loss (Jolicoeur-Martineau 2019) of R3GAN: a real with a fake."""

    family = "relativistic"


@dataclasses.dataclass(frozen=True)
class ContraD(LossSection):
    """ContraD (Jeong and Shin 2021): views contrasted, and judged by features held constant.

    It needs projections: discriminator.head=mlp and discriminator.projection_size=128.
    """

    family = "contrad"
    temperature: float = setting(0.1, "that divides the cosines of projections", above=0)
    lambda_con: float = setting(1.0, "weight of the contrast of fakes with all others", least=0)
    lambda_dis: float = setting(
        1.0, "weight of the adversarial loss (0, and lambda_con 0: SimCLR alone)", least=0
    )
    adversarial: str = setting(
        "non_saturating",
        "that loss, of both networks",
        choices=("non_saturating", "hinge", "wasserstein"),
    )
    d_batching: str = setting(
        "joint",
        "judge both views and the fakes in one pass, or the fakes in a pass of their own, so that"
        " no minibatch standard deviation is of both",
        choices=("joint", "separate"),
    )


LOSSES: dict[str, type[LossSection]] = {
    section.family: section
    for section in (
        DualContrastive,
        NonSaturating,
        Saturating,
        Wasserstein,
        Hinge,
        Relativistic,
        ContraD,
    )
}
