"""Scenes at 32x32 on a CPU in minutes: what `make demo` trains.

    dualcontrast-convert --source=scenes --solids=1-2 --zoom=2 --max_images=4000 --resolution=32 \\
        --dest=demo/data
    TF_NUM_INTRAOP_THREADS=1 dualcontrast-train --config=demo --data=demo/data --workdir=demo/run

One thread an operation: of networks so narrow two operations beside each other are faster on two
cores than two threads in each.

Networks so narrow that two cores show them 120,000 images in minutes: among what was tried, more
images did more for the picture than wider networks, smaller batches or longer steps. A short
warm-up, so that the dual contrastive loss trains most of the run; its generator lowers the loss
with real and fake swapped, which under so small a weight of R1 goes on where the literal objective
comes to rest. No path length steps: they shape the latent space over millions of images, and here
are none to spare.
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
    """A configuration for two cores."""
    rate = OptimizerConfig(learning_rate=0.003)
    return Config(
        generator=stylegan2.Generator(
            latent_size=64,
            w_size=64,
            mapping_layers=2,
            fmap_base=256,
            fmap_max=32,
            path_length_weight=0.0,
        ),
        discriminator=stylegan2.Discriminator(fmap_base=256, fmap_max=32),
        loss=DualContrastive(warmup_images=16_000, generator_objective="swapped"),
        penalties=PenaltiesConfig(r1_gamma=1.0),
        schedule=ScheduleConfig(
            generator=rate, discriminator=rate, average=AverageConfig(half_life_images=4_000)
        ),
        training=TrainingConfig(
            batch_size=16,
            total_images=120_000,
            log_every_images=3_200,
            checkpoint_every_images=20_000,
            grid_every_images=20_000,
        ),
        # By the embedded network, at the start, in the middle and at the end.
        evaluation=EvaluationConfig(every_images=60_000, images=2_000),
    )
