"""StyleGAN2 with adaptive augmentation on few images of your own, by their side.

    dualcontrast-convert --source=photos --resolution=256 --crop=center --dest=data/photos
    dualcontrast-train --config=ada:256 --data=data/photos --workdir=runs/photos

Source: the rules that StyleGAN2-ADA's program calls `auto` (Karras et al. 2020b), for one device;
for more of them, multiply the batch, which is at most 64. Flips left to right help where images
have no left and right, also with augmentation:

    dualcontrast-train --config=ada:256 --data=data/photos --workdir=runs/photos \\
        --config.data.mirror --config.training.batch_size=64

Departs from the rules: the half-life of the moving average is not limited to 5 % of the images so
far, and all arithmetic is float32 without limits to activations.

Hardware, hours, scores: they depend on the images; not trained here.
"""

from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.schema import Config
from dualcontrast.trainer.errors import UserError

_SIDES = [8, 16, 32, 64, 128, 256, 512, 1024]


def get_config(side: str = "256") -> Config:
    """The recipe for square images.

    Args:
      side: in pixels, a text.

    Raises:
      UserError: there is no recipe for it.
    """
    if side not in map(str, _SIDES):
        raise UserError(
            f"no recipe for side {side!r}, expected one of {', '.join(map(str, _SIDES))}"
        )
    return schema.replace(Config(), _recipe(int(side)))


def _recipe(side: int) -> dict:
    batch = max(1, min(32, 4096 // side))
    fmap_base = 16_384 if side >= 512 else 8192
    rate = 0.002 if side >= 1024 else 0.0025
    return {
        "loss": "non_saturating",
        "augmentation": "ada",
        "generator.mapping_layers": 2,
        "generator.fmap_base": fmap_base,
        "discriminator.fmap_base": fmap_base,
        "discriminator.minibatch_stddev_group": min(batch, 4),
        "penalties.r1_gamma": 0.0002 * side**2 / batch,
        "schedule.generator.learning_rate": rate,
        "schedule.discriminator.learning_rate": rate,
        "schedule.average.half_life_images": batch * 10_000 // 32,
        "data.resolution": side,
        "training.batch_size": batch,
        "training.total_images": 25_000_000,
    }
