"""3,786 emoji at 64x64 on a CPU: the smallest run on images that are not our own.

    npm pack emoji-datasource-google@16.0.0 && tar xzf emoji-datasource-google-16.0.0.tgz
    dualcontrast-convert --source=package/img/google/64 --dest=emoji64
    dualcontrast-train --config=emoji64 --data=emoji64 --workdir=runs/emoji64

Narrow networks, 16 feature maps at 64x64 and 96 at 8x8: two cores showed them 150,000 images in 41
minutes. Emoji have an up and a left, so nothing is mirrored. Rate, objective and batch are those
of `demo.py`. R1's weight is four times as large, as docs/results.md found it right for the dual
contrastive loss at 16x16; no other was tried here.
"""

from dualcontrast.trainer.config.families import stylegan2
from dualcontrast.trainer.config.loss_sections import DualContrastive
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    Config,
    EvaluationConfig,
    OptimizerConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)


def get_config() -> Config:
    """A configuration for two cores and an hour."""
    rate = OptimizerConfig(learning_rate=0.003)
    return Config(
        generator=stylegan2.Generator(
            latent_size=128,
            w_size=128,
            mapping_layers=4,
            fmap_base=512,
            fmap_max=96,
            path_length_weight=0.0,
        ),
        discriminator=stylegan2.Discriminator(fmap_base=512, fmap_max=96),
        loss=DualContrastive(warmup_images=20_000, generator_objective="swapped"),
        penalties=PenaltiesConfig(r1_gamma=4.0),
        schedule=ScheduleConfig(
            generator=rate, discriminator=rate, average=AverageConfig(half_life_images=4_000)
        ),
        training=TrainingConfig(
            batch_size=16,
            total_images=150_000,
            log_every_images=1_600,
            checkpoint_every_images=4_000,
            grid_every_images=10_000,
        ),
        # By the embedded network.
        evaluation=EvaluationConfig(every_images=50_000, images=2_000),
    )
