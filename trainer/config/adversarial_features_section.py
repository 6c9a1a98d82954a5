"""AdvAug in a configuration."""

import dataclasses

from dualcontrast.trainer.config.field import setting


@dataclasses.dataclass(frozen=True)
class AdversarialFeaturesConfig:
    """How far the discriminator's features are moved, for one half of its loss (AdvAug)."""

    real_gamma: float = setting(
        0.0,
        "step of the features of reals, in every number (0: off); 0.1 in SNGAN's program",
        least=0,
    )
    fake_gamma: float = setting(0.0, "likewise of fakes; 0.01 in SNGAN's program", least=0)
    sign: str = setting(
        "paper",
        "against the loss (paper), or towards larger logits, for reals too (code)",
        choices=("paper", "code"),
    )
