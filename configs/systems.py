"""The systems side by side on scenes at 32x32, each narrow enough for a CPU.

    dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --labels=shape --resolution=32 \\
        --max_images=4000 --dest=scenes/systems
    dualcontrast-sweep --sweep=docs/sweeps/systems.yaml --output=systems --jobs=2

or one of them, with its own loss or with the dual contrastive one:

    dualcontrast-train --config=systems:sagan --data=scenes/systems --workdir=runs/sagan
    dualcontrast-train --config=systems:sagan_contr --data=scenes/systems --workdir=runs/sagan_contr

All see the same images in the same order, 16 at a time, once for D and once for G, and are drawn
from averaged weights. Widths are chosen for about the same time of an image; step sizes are those
that a system is published with, times ten at most where its networks are so much narrower. No row
was tuned further; docs/systems.md has what came out.
"""

from typing import Any

from dualcontrast.trainer.config.families import (
    biggan,
    r3gan,
    sagan,
    sngan,
    stylegan,
    stylegan2,
    unet,
)
from dualcontrast.trainer.config.loss_sections import (
    DualContrastive,
    Hinge,
    LossSection,
    NonSaturating,
    Relativistic,
)
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    CutMixConfig,
    OptimizerConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)
from dualcontrast.trainer.errors import UserError

_CONTRASTIVE = "_contr"


def get_config(row: str = "stylegan2_contr") -> Config:
    """A system, with `_contr` behind its name under the dual contrastive loss.

    Raises:
      UserError: there is no such row.
    """
    name = row.removesuffix(_CONTRASTIVE)
    if name not in _SYSTEMS:
        raise UserError(f"no row {row!r}, expected one of {', '.join(_SYSTEMS)}, or with _contr")
    loss, penalties, sections = _SYSTEMS[name]()
    if row.endswith(_CONTRASTIVE):
        warmup = "hinge" if isinstance(loss, Hinge) else "non_saturating"
        loss = DualContrastive(warmup_images=4_000, warmup_loss=warmup)
    return Config(
        **sections,
        loss=loss,
        penalties=penalties,
        training=TrainingConfig(
            batch_size=16,
            total_images=20_000,
            log_every_images=1_600,
            checkpoint_every_images=10_000,
            grid_every_images=10_000,
            keep_checkpoints=1,
        ),
    )


_Parts = tuple[LossSection, PenaltiesConfig, dict[str, Any]]


def _sngan() -> _Parts:
    return (
        Hinge(),
        PenaltiesConfig(r1_gamma=0.0),
        {
            "generator": sngan.Generator(latent_size=32, width=32),
            "discriminator": sngan.Discriminator(width=32),
            "schedule": _schedule(0.0005, 0.001, 0.9),
        },
    )


def _sagan() -> _Parts:
    return (
        Hinge(),
        PenaltiesConfig(r1_gamma=0.0),
        {
            "generator": sagan.Generator(latent_size=32, width=16, attention_resolution=16),
            "discriminator": sagan.Discriminator(width=16, attention_resolution=16),
            "schedule": _schedule(0.0004, 0.0008, 0.999),
        },
    )


def _stylegan() -> _Parts:
    return (
        NonSaturating(),
        PenaltiesConfig(r1_gamma=1.0),
        {
            "generator": stylegan.Generator(
                latent_size=32, w_size=32, mapping_layers=2, fmap_base=256, fmap_max=32
            ),
            "discriminator": stylegan.Discriminator(fmap_base=256, fmap_max=32),
            "schedule": _schedule(0.003, 0.003, 0.99),
        },
    )


def _stylegan2() -> _Parts:
    return (
        NonSaturating(),
        PenaltiesConfig(r1_gamma=1.0),
        {
            "generator": stylegan2.Generator(
                latent_size=32,
                w_size=32,
                mapping_layers=2,
                fmap_base=256,
                fmap_max=32,
                path_length_weight=0.0,
            ),
            "discriminator": stylegan2.Discriminator(fmap_base=256, fmap_max=32),
            "schedule": _schedule(0.003, 0.003, 0.99),
        },
    )


def _biggan() -> _Parts:
    return (
        Hinge(),
        PenaltiesConfig(r1_gamma=0.0),
        {
            "generator": biggan.Generator(latent_size=32, width=8, attention_resolution=16),
            "discriminator": biggan.Discriminator(width=8, attention_resolution=16),
            "schedule": _schedule(0.0004, 0.0008, 0.999),
        },
    )


def _unetgan() -> _Parts:
    return (
        NonSaturating(),
        PenaltiesConfig(r1_gamma=0.0),
        {
            "generator": biggan.Generator(latent_size=32, width=8, attention_resolution=16),
            "discriminator": unet.Discriminator(width=8),
            "cutmix": CutMixConfig(probability=0.5, warmup_images=4_000, consistency_weight=1.0),
            "schedule": _schedule(0.0004, 0.0008, 0.999),
        },
    )


def _r3gan() -> _Parts:
    return (
        Relativistic(),
        PenaltiesConfig(r1_gamma=0.5, r1_every=None, r2_gamma=0.5, r2_every=None),
        {
            "generator": r3gan.Generator(latent_size=32, fmap_base=256, fmap_max=32),
            "discriminator": r3gan.Discriminator(fmap_base=256, fmap_max=32),
            "schedule": _schedule(0.0005, 0.0005, 0.99),
        },
    )


def _schedule(of_generator: float, of_discriminator: float, beta_2: float) -> ScheduleConfig:
    generator, discriminator = (
        OptimizerConfig(learning_rate=rate, adam_beta_1=0.0, adam_beta_2=beta_2)
        for rate in (of_generator, of_discriminator)
    )
    return ScheduleConfig(
        generator=generator,
        discriminator=discriminator,
        average=AverageConfig(half_life_images=2_000),
    )


_SYSTEMS = {
    "sngan": _sngan,
    "sagan": _sagan,
    "stylegan": _stylegan,
    "stylegan2": _stylegan2,
    "biggan": _biggan,
    "unetgan": _unetgan,
    "r3gan": _r3gan,
}
