"""Rendered scenes at 32x32 on a CPU: U-Net GAN, a quarter as wide.

    dualcontrast-convert --source=scenes --resolution=32 --max_images=20000 --dest=data/scenes32
    dualcontrast-train --config=unetgan_scenes32 --data=data/scenes32 --workdir=runs/unetgan
    dualcontrast-attention-maps --run=runs/unetgan --data=data/scenes32 --output=runs/unetgan/pixels

The other schedule of the mixed images, which the authors' program has for CelebA, is

    --config.cutmix.probability=0 --config.cutmix.weight=1

and the dual contrastive loss of images, beside the cross entropy of pixels,

    --config.loss=dual_contrastive --config.loss.warmup_images=16_000

Departs from `unetgan_bce` in the width, in larger steps, for narrow networks and few hours, in
batches of 32, and in a warm-up of the mixed images that is a tenth of the run.
"""

from dualcontrast.configs import unetgan_bce
from dualcontrast.trainer.config.schema import Config, replace


def get_config() -> Config:
    """A configuration for a core and some hours."""
    changes = {
        "generator.latent_size": 64,
        "generator.width": 16,
        "discriminator.width": 16,
        "cutmix.warmup_images": 40_000,
        "schedule.generator.learning_rate": 0.0002,
        "schedule.discriminator.learning_rate": 0.0005,
        "schedule.average.half_life_images": 8_000,
        "schedule.average.start_images": 0,
        "training.batch_size": 32,
        "training.total_images": 400_000,
        "training.log_every_images": 3_200,
        "training.checkpoint_every_images": 8_000,
        "training.grid_every_images": 8_000,
    }
    return replace(unetgan_bce.get_config(), changes)
