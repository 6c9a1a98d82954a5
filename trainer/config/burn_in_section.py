"""The beginning of a run in a configuration: what has other values then."""

import dataclasses
from typing import Optional

from dualcontrast.trainer.config.field import setting


@dataclasses.dataclass(frozen=True)
class BurnInConfig:
    """A burn-in (Huang et al. 2024): half a cosine from values here to those everywhere else."""

    images: int = setting(
        0, "images at the start in which what follows changes (0: no burn-in)", least=0
    )
    learning_rate: float = setting(
        1.0, "both step sizes at the start, in units of what they come to", above=0
    )
    adam_beta_2: Optional[float] = setting(
        None, "both adam_beta_2 at the start (none: as later)", least=0, below=1
    )
    penalties: float = setting(
        1.0,
        "weights of R1, R2 and the gradient penalty at the start, in units of later ones",
        least=0,
    )
    half_life: float = setting(
        1.0, "half-life of the average at the start, in units of the later one (0: a copy)", least=0
    )
    augmentation: float = setting(
        1.0,
        "ADA's fixed probability at the start, in units of the later one",
        least=0,
        most=1,
    )
