"""Scenes at 32x32 on a CPU in minutes: what `make demo` trains.

    dualcontrast-convert --source=scenes --max_images=4000 --resolution=32 --dest=demo/data
    dualcontrast-train --config=demo --data=demo/data --workdir=demo/run

Narrow networks and a short warm-up, so that the dual contrastive loss trains most of the run. No
path length steps: they shape the latent space over millions of images, and here are none to spare.
"""

from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.loss_sections import DualContrastive
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    EvaluationConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)


def get_config() -> Config:
    """A configuration for two cores."""
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
        loss=DualContrastive(warmup_images=10_000),
        penalties=PenaltiesConfig(r1_gamma=10.0),
        schedule=ScheduleConfig(average=AverageConfig(half_life_images=2_000)),
        training=TrainingConfig(
            batch_size=8,
            total_images=56_000,
            log_every_images=1_600,
            checkpoint_every_images=8_000,
            grid_every_images=8_000,
        ),
        # By the embedded network, at the start, in the middle and at the end.
        evaluation=EvaluationConfig(every_images=28_000, images=2_000),
    )
