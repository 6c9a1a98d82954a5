"""BigGAN on the 1,000 classes of ImageNet (Brock et al. 2019), by the side of the images.

    dualcontrast-convert --source=ILSVRC2012/train --resolution=128 --crop=center --upscale \\
        --labels=folders --dest=data/imagenet128
    dualcontrast-train --config=biggan_imagenet:128 --data=data/imagenet128 \\
        --workdir=runs/biggan_imagenet128
    dualcontrast-evaluate --run=runs/biggan_imagenet128 --data=data/imagenet128 \\
        --metrics=fid,is --fake_labels=uniform --standing_batches=16 \\
        --extractor=inception --inception=GRAPH.pb

    biggan_imagenet:64      z of 120, attention at 32x32
    biggan_imagenet:128     z of 120, attention at 64x64
    biggan_imagenet:256     z of 140, attention at 64x64

Settings: Brock's program (github.com/ajbrock/BigGAN-PyTorch), its script for eight batches of 256 a
step; that is for 128x128, the others have its settings. A batch of 2,048 is trained in eight parts
of 256, each normalised by its own moments. The program does so too, but for moments of each GPU's
share of the 256. Each recipe is for one device. On eight devices with

    --config.training.accumulation=1

or four with 2, the parts, and so the steps, are the same. The paper takes moments over the whole
batch, on 128 to 512 cores of TPUs, and has two steps of the discriminator at 0.0002 for one of the
generator at 0.00005, with an orthogonal regularisation:

    --config.training.accumulation=1 --config.training.ghost_batches=1 \\
    --config.schedule.discriminator_steps=2 --config.generator.orthogonal_weight=0.0001 \\
    --config.schedule.generator.learning_rate=0.00005 \\
    --config.schedule.discriminator.learning_rate=0.0002

The paper's best at 128x128, each at a truncation of its own, are an inception score of 166.5 and an
FID of 7.4.

On a CPU, an eighth as wide, 32x32 images with classes (docs/data.md says how emoji are made):

    dualcontrast-train --config=biggan_imagenet:32 --data=data/emoji32 --workdir=runs/emoji32

Less varied and better images are --truncation_threshold=0.5 of dualcontrast-generate. Images are
not mirrored. The length, 150,000 steps, is ours.

Hardware, hours, scores: unknown, not trained here.
"""

from typing import Any

from dualcontrast.configs.paper import biggan_protocol
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.families import biggan
from dualcontrast.trainer.config.schema import Config
from dualcontrast.trainer.errors import UserError

_BATCH, _PARTS = 2048, 8
_STEPS = 150_000

_SIDES: dict[str, dict[str, Any]] = {
    "32": {
        "generator.latent_size": 80,
        "generator.width": 8,
        "generator.attention_resolution": 16,
        "discriminator.width": 8,
        "discriminator.attention_resolution": 16,
        "schedule.generator.learning_rate": 0.0002,
        "schedule.discriminator.learning_rate": 0.0002,
        "schedule.average.half_life_images": 8_000,
        "schedule.average.start_images": 0,
        "training.batch_size": 32,
        "training.accumulation": 1,
        "training.ghost_batches": 1,
        "training.total_images": 1_000_000,
        "training.log_every_images": 3_200,
        "training.checkpoint_every_images": 8_000,
        "training.grid_every_images": 8_000,
    },
    "64": {
        "generator.latent_size": 120,
        "generator.width": 64,
        "generator.attention_resolution": 32,
        "discriminator.width": 64,
        "discriminator.attention_resolution": 32,
    },
    "128": {"generator.latent_size": 120},
    "256": {"generator.latent_size": 140},
}

SYSTEM = biggan_protocol.PROTOCOL | {
    "generator.width": 96,
    "generator.attention_resolution": 64,
    "generator.fake_labels": "uniform",
    "discriminator.width": 96,
    "discriminator.attention_resolution": 64,
    "loss": "hinge",
    "schedule.generator.learning_rate": 0.0001,
    "schedule.discriminator.learning_rate": 0.0004,
    "schedule.average.half_life_images": biggan_protocol.half_life(_BATCH),
    "schedule.average.start_images": 20_000 * _BATCH,
    "data.channels": 3,
    "data.labels": True,
    "training.batch_size": _BATCH,
    "training.accumulation": _PARTS,
    "training.ghost_batches": _PARTS,
    "training.total_images": _STEPS * _BATCH,
}


def get_config(side: str = "128") -> Config:
    """A recipe.

    Args:
      side: of its images in pixels.

    Raises:
      UserError: there is none of that side.
    """
    if side not in _SIDES:
        raise UserError(f"no recipe biggan_imagenet:{side}, expected one of {', '.join(_SIDES)}")
    base = Config(generator=biggan.Generator(), discriminator=biggan.Discriminator())
    return schema.replace(base, SYSTEM | {"data.resolution": int(side)} | _SIDES[side])
