"""StyleGAN2 on 1,000 scenes at 32x32, narrow enough for a CPU: what augmentations are compared on.

    dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --labels=shape --resolution=32 \\
        --max_images=5000 --dest=scenes/full
    dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --labels=shape --resolution=32 \\
        --max_images=1000 --dest=scenes/few
    dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --labels=shape --resolution=32 \\
        --max_images=1000 --seed=1 --dest=scenes/held_out
    dualcontrast-sweep --sweep=docs/sweeps/augmentations.yaml --output=augmentations --jobs=2

The discriminator has the two-layer head of ContraD's baselines in all rows. What the comparison is
to decide, and what it found, is in docs/results.md.
"""

from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.loss_sections import NonSaturating
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    OptimizerConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)


def get_config() -> Config:
    """The row without an augmentation."""
    rate = OptimizerConfig(learning_rate=0.003)
    return Config(
        generator=stylegan2.Generator(
            latent_size=32,
            w_size=32,
            mapping_layers=2,
            fmap_base=256,
            fmap_max=32,
            path_length_weight=0.0,
        ),
        discriminator=stylegan2.Discriminator(
            fmap_base=256, fmap_max=32, head="mlp", head_width=128
        ),
        loss=NonSaturating(),
        penalties=PenaltiesConfig(r1_gamma=1.0),
        schedule=ScheduleConfig(
            generator=rate, discriminator=rate, average=AverageConfig(half_life_images=2_000)
        ),
        training=TrainingConfig(
            batch_size=16,
            total_images=40_000,
            log_every_images=1_600,
            checkpoint_every_images=10_000,
            grid_every_images=10_000,
            keep_checkpoints=4,
        ),
    )
