"""1,906 emoji of nine groups at 32x32 on a CPU: SAGAN, narrow; its grids have a class a row.

docs/data.md says how the dataset is made: an image of each emoji, its group as its class.

    dualcontrast-train --config=sagan_emoji32 --data=data/emoji32 --workdir=runs/sagan_emoji32
    dualcontrast-train --config=sagan_emoji32 --config.loss=dual_contrastive \\
        --config.loss.warmup_loss=hinge --config.loss.warmup_images=16_000 \\
        --data=data/emoji32 --workdir=runs/sagan_emoji32_contr

A quarter of SAGAN's width, self-attention at 16x16. Departs from SAGAN in larger steps, 0.0004 and
0.0008 in place of 0.0001 and 0.0004, for narrow networks and few hours; in batches of 32, not of
256; and in an average of the weights.
Emoji have an up and a left, so nothing is mirrored.
"""

from dualcontrast.trainer.config.families import sagan
from dualcontrast.trainer.config.loss_sections import Hinge
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    DataConfig,
    OptimizerConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)


def get_config() -> Config:
    """A configuration for a core and some hours."""
    return Config(
        generator=sagan.Generator(latent_size=64, width=16, attention_resolution=16),
        discriminator=sagan.Discriminator(width=16, attention_resolution=16),
        loss=Hinge(),
        penalties=PenaltiesConfig(r1_gamma=0.0),
        schedule=ScheduleConfig(
            generator=OptimizerConfig(learning_rate=0.0004, adam_beta_2=0.999),
            discriminator=OptimizerConfig(learning_rate=0.0008, adam_beta_2=0.999),
            average=AverageConfig(half_life_images=8_000),
        ),
        data=DataConfig(labels=True),
        training=TrainingConfig(
            batch_size=32,
            total_images=1_000_000,
            log_every_images=3_200,
            checkpoint_every_images=8_000,
            grid_every_images=8_000,
        ),
    )
