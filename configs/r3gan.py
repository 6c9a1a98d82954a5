"""R3GAN: the published recipes, by the side of the images.

    dualcontrast-convert --source=tfds:cifar10:train --labels=tfds:label --dest=data/cifar10
    dualcontrast-train --config=r3gan:32 --data=data/cifar10 --workdir=runs/r3gan_cifar10
    dualcontrast-evaluate --run=runs/r3gan_cifar10 --data=data/cifar10 --mirror \\
        --extractor=inception --inception=GRAPH.pb

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box --dest=data/ffhq256
    dualcontrast-train --config=r3gan:256 --data=data/ffhq256 --workdir=runs/r3gan_ffhq256

    r3gan:32            CIFAR-10 with its classes, batches of 512
    r3gan:64            FFHQ at 64x64, batches of 256
    r3gan:256           FFHQ at 256x256, batches of 256
    r3gan:imagenet32    ImageNet at 32x32 with its classes, batches of 4096
    r3gan:imagenet64    ImageNet at 64x64 with its classes, batches of 4096

On a CPU, a twelfth as wide, with a burn-in as short as the run:

    dualcontrast-train --config=r3gan:64 --data=data/photos --workdir=runs/photos \\
        --config.generator.fmap_base=1024 --config.generator.fmap_max=64 \\
        --config.discriminator.fmap_base=1024 --config.discriminator.fmap_max=64 \\
        --config.training.batch_size=16 --config.training.total_images=400_000 \\
        --config.schedule.burn_in.images=100_000 --config.schedule.average.half_life_images=10_000

Source: the presets of the authors' program (Huang et al. 2024, github.com/brownvc/R3GAN): every
number that burns in goes, along half a cosine, from that of the first column to the last one's.

                            start   end
    step size               2e-4    5e-5
    beta 2                  0.9     0.99
    gamma of R1 and R2      10 x    1 x, `r1_gamma` below
    half-life of average    0       1 x
    probability of ADA's    0       1 x

Published FID of 50,000 images (FFHQ: the authors' model cards; the others: lists of benchmarks):
CIFAR-10 1.96, FFHQ at 64 1.95, FFHQ at 256 2.75, ImageNet at 32 1.27, at 64 2.09.

The program trains until it is stopped; the lengths of CIFAR-10 and ImageNet, 250 and 1,000 million
images, are those of the paper's table 9 (issue 18 of the repository), FFHQ's is ours.

Departs from the program: a step of the generator is paired with the reals of the discriminator's
step before it, not with others; and all arithmetic is float32, where the program has bfloat16 at
the three or four highest resolutions (--config.training.precision=mixed_bfloat16 has it at all).

Hardware, hours, FID: unknown, not trained here.
"""

from typing import Any, NamedTuple

from dualcontrast.trainer.config.augmentation_sections import ADA
from dualcontrast.trainer.config.families import r3gan
from dualcontrast.trainer.config.loss_sections import Relativistic
from dualcontrast.trainer.config.schema import (
    AverageConfig,
    BurnInConfig,
    Config,
    DataConfig,
    OptimizerConfig,
    PenaltiesConfig,
    ScheduleConfig,
    TrainingConfig,
)
from dualcontrast.trainer.errors import UserError


class _Preset(NamedTuple):
    """What differs between the recipes."""

    side: int
    labels: bool
    batch: int
    total: int
    burn_in: int
    gamma: float
    half_life: int
    augmentation: float


_MILLION = 1_000_000
_PRESETS = {
    "32": _Preset(32, True, 512, 250 * _MILLION, 20 * _MILLION, 0.005, 5 * _MILLION, 0.55),
    "64": _Preset(64, False, 256, 150 * _MILLION, 20 * _MILLION, 0.2, 500_000, 0.3),
    "256": _Preset(256, False, 256, 150 * _MILLION, 20 * _MILLION, 15.0, 500_000, 0.3),
    "imagenet32": _Preset(
        32, True, 4096, 1000 * _MILLION, 200 * _MILLION, 0.05, 50 * _MILLION, 0.5
    ),
    "imagenet64": _Preset(64, True, 4096, 1000 * _MILLION, 200 * _MILLION, 0.1, 50 * _MILLION, 0.4),
}
# Twice as wide: the feature maps, and those of a group.
_OF_IMAGENET: dict[str, Any] = {"fmap_base": 49_152, "fmap_max": 1536, "group_width": 32}


def get_config(name: str = "32") -> Config:
    """A recipe.

    Args:
      name: of the recipe, the side of its images in pixels or ImageNet's.

    Raises:
      UserError: there is none of that name.
    """
    if name not in _PRESETS:
        raise UserError(f"no recipe r3gan:{name}, expected one of {', '.join(_PRESETS)}")
    preset = _PRESETS[name]
    widths = _OF_IMAGENET if name.startswith("imagenet") else {}
    return Config(
        generator=r3gan.Generator(**widths),
        discriminator=r3gan.Discriminator(**widths),
        loss=Relativistic(),
        augmentation=ADA(groups="bgc+cutout", probability=preset.augmentation, color=0.5),
        penalties=PenaltiesConfig(
            r1_gamma=preset.gamma, r1_every=None, r2_gamma=preset.gamma, r2_every=None
        ),
        schedule=_schedule(preset),
        data=DataConfig(resolution=preset.side, channels=3, mirror=True, labels=preset.labels),
        training=TrainingConfig(batch_size=preset.batch, total_images=preset.total),
    )


def _schedule(preset: _Preset) -> ScheduleConfig:
    adam = OptimizerConfig(learning_rate=5e-5, adam_beta_1=0.0, adam_beta_2=0.99)
    return ScheduleConfig(
        order="discriminator_first",
        generator=adam,
        discriminator=adam,
        average=AverageConfig(half_life_images=preset.half_life),
        burn_in=BurnInConfig(
            images=preset.burn_in,
            learning_rate=4.0,
            adam_beta_2=0.9,
            penalties=10.0,
            half_life=0.0,
            augmentation=0.0,
        ),
    )
