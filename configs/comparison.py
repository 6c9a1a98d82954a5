"""The paper's ideas beside what they replace, on scenes at 16x16: what decides is a sweep.

    for n in 250 1000 4000 20000; do
      dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --resolution=16 \\
          --max_images=$n --dest=scenes16/$n; done
    dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --resolution=16 \\
        --max_images=10000 --seed=1 --dest=scenes16/held_out
    dualcontrast-sweep --sweep=docs/sweeps/comparison.yaml --output=comparison --jobs=2
    dualcontrast-sweep --sweep=docs/sweeps/san.yaml --output=comparison --jobs=2
    dualcontrast-sweep --sweep=docs/sweeps/references.yaml --output=comparison --jobs=2

or one row of it:

    dualcontrast-train --config=comparison:contr --data=scenes16/20000 --workdir=contr

The networks of `configs/demo.py` with half its feature maps, one R1 weight for all rows, and no
path length steps: they shape the latent space over millions of images, and here are none to spare.
The dual contrastive rows begin with the non-saturating loss, as the paper's do. Attention stands at
8x8: in the generator with patches of 3x3, about as much of the map as the 7x7 patches of the
paper's SAN at 16x16; in the discriminator with the paper's 7x7. What each row is to show, and by
which rule, stands in these files; what they showed in docs/results.md.
"""

from typing import Any

from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    OptimizerConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
    replace,
)
from dualcontrast.trainer.errors import UserError

_NON_SATURATING = {"loss": "non_saturating"}
_CONTRASTIVE = {"loss": "dual_contrastive", "loss.warmup_images": 16_000}
_SAN = {
    "generator.attention.kind": "san",
    "generator.attention.resolution": 8,
    "generator.attention.san.patch_size": 3,
}
_REFERENCE = {
    "discriminator.attention.pairing": "reference",
    "discriminator.attention.resolution": 8,
}
_ROWS: dict[str, dict[str, Any]] = {
    "ns": _NON_SATURATING,
    "saturating": {"loss": "saturating"},
    "wasserstein": {"loss": "wasserstein"},
    "hinge": {"loss": "hinge"},
    "contr": _CONTRASTIVE,
    "contr_swapped": _CONTRASTIVE | {"loss.generator_objective": "swapped"},
    "contr_pair": _CONTRASTIVE | {"loss.contrast_scope": "pair"},
    "ns_gsan8": _NON_SATURATING | _SAN,
    "contr_gsan8": _CONTRASTIVE | _SAN,
    "ns_dref8": _NON_SATURATING | _REFERENCE,
}


def get_config(row: str = "contr") -> Config:
    """One row of the comparison.

    Raises:
      UserError: there is no such row.
    """
    if row not in _ROWS:
        raise UserError(f"no row {row!r}, expected one of {', '.join(_ROWS)}")
    return replace(_shared(), _ROWS[row])


def _shared() -> Config:
    rate = OptimizerConfig(learning_rate=0.003)
    return Config(
        generator=stylegan2.Generator(
            latent_size=64,
            w_size=64,
            mapping_layers=2,
            fmap_base=128,
            fmap_max=16,
            path_length_weight=0.0,
        ),
        discriminator=stylegan2.Discriminator(fmap_base=128, fmap_max=16),
        penalties=PenaltiesConfig(r1_gamma=1.0),
        schedule=ScheduleConfig(
            generator=rate, discriminator=rate, average=AverageConfig(half_life_images=4_000)
        ),
        training=TrainingConfig(
            batch_size=16,
            total_images=200_000,
            log_every_images=6_400,
            checkpoint_every_images=50_000,
            grid_every_images=100_000,
            keep_checkpoints=1,
        ),
    )
