"""The paper's ideas beside what they replace, on scenes at 32x32, in minutes on a CPU.

    dualcontrast-convert --source=scenes --max_images=4000 --resolution=32 --dest=scenes4k
    dualcontrast-convert --source=scenes --max_images=1000 --resolution=32 --dest=scenes1k
    dualcontrast-train --config=comparison:ns --data=scenes4k --workdir=a
    dualcontrast-train --config=comparison:contr --data=scenes4k --workdir=b
    dualcontrast-train --config=comparison:contr_gsan16 --data=scenes4k --workdir=c
    dualcontrast-train --config=comparison:ns_dref8 --data=scenes1k --workdir=d
    dualcontrast-train --config=comparison:ns --data=scenes1k --workdir=e

Narrow networks, and no path length steps: they shape the latent space over millions of images, and
here are none to spare. scenes1k is the first quarter of scenes4k.
Everything else is the same in all rows, R1's weight too: with a smaller one the literal minimax
loss comes to rest as soon as it begins. The results are in docs/results.md.
"""

from typing import Any

from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
    replace,
)
from dualcontrast.trainer.errors import UserError

_NON_SATURATING = {"loss": "non_saturating"}
_DUAL_CONTRASTIVE = {"loss": "dual_contrastive", "loss.warmup_images": 4_000}
_ROWS: dict[str, dict[str, Any]] = {
    "ns": _NON_SATURATING,
    "contr": _DUAL_CONTRASTIVE,
    "contr_gsan16": _DUAL_CONTRASTIVE
    | {
        "generator.attention.kind": "san",
        "generator.attention.resolution": 16,
    },
    "ns_dref8": _NON_SATURATING | {"discriminator.attention.pairing": "reference"},
}


def get_config(row: str = "contr") -> Config:
    """One row of the comparison: ns, contr, contr_gsan16 or ns_dref8."""
    if row not in _ROWS:
        raise UserError(f"no row {row!r}, expected one of {', '.join(_ROWS)}")
    return replace(_shared(), _ROWS[row])


def _shared() -> Config:
    return Config(
        generator=stylegan2.Generator(
            latent_size=64,
            w_size=64,
            mapping_layers=4,
            fmap_base=512,
            fmap_max=64,
            path_length_weight=0.0,
        ),
        discriminator=stylegan2.Discriminator(fmap_base=512, fmap_max=64),
        penalties=PenaltiesConfig(r1_gamma=10.0),
        schedule=ScheduleConfig(average=AverageConfig(half_life_images=2_000)),
        training=TrainingConfig(
            batch_size=8,
            total_images=20_000,
            log_every_images=1_600,
            checkpoint_every_images=5_000,
            grid_every_images=20_000,
        ),
    )
