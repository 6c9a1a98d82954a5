"""3,786 emoji at 64x64 on a CPU: the smallest run on images that are not our own.

    npm pack emoji-datasource-google@16.0.0 && tar xzf emoji-datasource-google-16.0.0.tgz
    dualcontrast-convert --source=package/img/google/64 --dest=emoji64
    dualcontrast-train --config=emoji64 --data=emoji64 --workdir=runs/emoji64

Networks of a quarter of config E's width. Emoji have an up and a left, so nothing is mirrored.
"""

from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.loss_sections import DualContrastive
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)


def get_config() -> Config:
    """A configuration for two cores and some hours."""
    return Config(
        generator=stylegan2.Generator(
            latent_size=128,
            w_size=128,
            mapping_layers=4,
            fmap_base=1024,
            fmap_max=96,
            path_length_weight=0.0,
        ),
        discriminator=stylegan2.Discriminator(fmap_base=1024, fmap_max=96),
        loss=DualContrastive(warmup_images=20_000),
        penalties=PenaltiesConfig(r1_gamma=10.0),
        schedule=ScheduleConfig(average=AverageConfig(half_life_images=3_000)),
        training=TrainingConfig(
            batch_size=8,
            total_images=150_000,
            log_every_images=1_600,
            checkpoint_every_images=4_000,
            grid_every_images=10_000,
        ),
    )
