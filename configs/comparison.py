"""The paper's ideas beside what they replace, on scenes at 32x32, in minutes on a CPU.

    dualcontrast-convert --source=scenes --max_images=4000 --resolution=32 --dest=scenes4k
    dualcontrast-convert --source=scenes --max_images=1000 --resolution=32 --dest=scenes1k
    dualcontrast-train --config=comparison:ns --data=scenes4k --workdir=a
    dualcontrast-train --config=comparison:contr --data=scenes4k --workdir=b
    dualcontrast-train --config=comparison:contr_gsan16 --data=scenes4k --workdir=c
    dualcontrast-train --config=comparison:ns_dref8 --data=scenes1k --workdir=d
    dualcontrast-train --config=comparison:ns --data=scenes1k --workdir=e

The networks of configs/demo.py, a third as long; scenes1k is the first quarter of scenes4k.
Everything else is the same in all rows, R1's weight too: with a smaller one the literal minimax
loss comes to rest as soon as it begins. The results are in docs/results.md.
"""

from typing import Any

from dualcontrast.configs import demo
from dualcontrast.trainer.config.schema import Config, replace
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
    shared = {
        "training.total_images": 20_000,
        "training.grid_every_images": 20_000,
        "training.checkpoint_every_images": 5_000,
        "evaluation.every_images": 0,
    }
    return replace(demo.get_config(), shared | _ROWS[row])
