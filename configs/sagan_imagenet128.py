"""SAGAN on the 1,000 classes of ImageNet at 128x128 (Zhang et al. 2019): all of its system.

    dualcontrast-convert --source=ILSVRC2012/train --resolution=128 --crop=center --upscale \\
        --labels=folders --dest=data/imagenet128
    dualcontrast-train --config=sagan_imagenet128 --data=data/imagenet128 \\
        --workdir=runs/sagan_imagenet128
    dualcontrast-evaluate --run=runs/sagan_imagenet128 --data=data/imagenet128 \\
        --extractor=inception --inception=GRAPH.pb

Published, beside the projection of SNGAN (configs/snganproj_imagenet128.py):

                is50k   fid50k
    imagenet128 52.52    18.65

They are those of attention at 64x64. The paper has 51.43 and 18.28 with 32x32, and 42.87 and 22.96
with no attention, which are this file with 32 or none in both of

    --config.generator.attention_resolution=none --config.discriminator.attention_resolution=none

Adam's decays are those of the authors' program, of which the second is 0.999; the paper has 0.9.
The length is the paper's, a million iterations.

Hardware, hours, scores: unknown, not trained here.
"""

from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import sagan
from dualcontrast.trainer.config.schema import Config

_BATCH = 256

SYSTEM = {
    "generator.latent_size": 128,
    "generator.width": 64,
    "generator.attention_resolution": 64,
    "generator.fake_labels": "uniform",
    "discriminator.width": 64,
    "discriminator.attention_resolution": 64,
    "loss": "hinge",
    "penalties.r1_gamma": 0.0,
    "schedule.order": "generator_first",
    "schedule.discriminator_steps": 1,
    "schedule.generator.learning_rate": 0.0001,
    "schedule.generator.adam_beta_1": 0.0,
    "schedule.generator.adam_beta_2": 0.999,
    "schedule.generator.adam_epsilon": 1e-8,
    "schedule.discriminator.learning_rate": 0.0004,
    "schedule.discriminator.adam_beta_1": 0.0,
    "schedule.discriminator.adam_beta_2": 0.999,
    "schedule.discriminator.adam_epsilon": 1e-8,
    "schedule.average.half_life_images": 0,
    "data.resolution": 128,
    "data.channels": 3,
    "data.labels": True,
    "training.batch_size": _BATCH,
    "training.total_images": 1_000_000 * _BATCH,
    "training.precision": "float32",
}


def get_config() -> Config:
    """The row of the slides on SAGAN."""
    base = Config(generator=sagan.Generator(), discriminator=sagan.Discriminator())
    return schema.replace(base, SYSTEM)
