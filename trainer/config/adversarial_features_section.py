"""AdvAug in a configuration."""

import dataclasses

from dualcontrast.trainer.config.field import setting


@dataclasses.dataclass(frozen=True)
class AdversarialFeaturesConfig:
    """How far features are moved, for one half of the loss of their network (AdvAug).

    adv_d has steps of the discriminator's features, adv_g of the generator's, and adv_gd of both.
    """

    real_gamma: float = setting(
        0.0,
        "step of the discriminator's features of reals, in every number (0: off); 0.1 in SNGAN's"
        " program",
        least=0,
    )
    fake_gamma: float = setting(0.0, "likewise of fakes; 0.01 in SNGAN's program", least=0)
    generator_gamma: float = setting(
        0.0, "likewise of what the generator's first layer puts out; 0.01 in the program", least=0
    )
    steps: int = setting(1, "steps of each of these sizes, one after the other", least=1)
    sign: str = setting(
        "paper",
        "against the loss (paper), or towards larger logits, for reals too (code)",
        choices=("paper", "code"),
    )
