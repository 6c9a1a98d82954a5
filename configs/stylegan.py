"""StyleGAN that grows: the published program's settings for eight GPUs, by the side of the images.

    dualcontrast-convert --source=images1024x1024 --dest=data/ffhq1024
    dualcontrast-train --config=stylegan:1024 --data=data/ffhq1024 --workdir=runs/stylegan_ffhq
    dualcontrast-evaluate --run=runs/stylegan_ffhq --data=data/ffhq1024 \\
        --extractor=inception --inception=GRAPH.pb

    stylegan:128     batches of 32, step size 0.0015
    stylegan:256     batches of 32, step size 0.002
    stylegan:512     batches of 32, step size 0.003
    stylegan:1024    batches of 32, step size 0.003

Before, from 8x8 on: batches of 256, 128, 64, 32 and so on, and a step size of 0.001 up to 64x64,
then that of the side. Every side is trained for 600,000 images and the next one fades in over as
many, so that 256x256 is whole from 6 million images on. The networks of the tables' rows do not
grow: configs/sg1_ns.py and configs/sg1_contr.py.

On a CPU, at 32x32, narrow and short:

    dualcontrast-convert --source=scenes --max_images=4000 --resolution=32 --dest=data/scenes32
    dualcontrast-train --config=stylegan:32 --data=data/scenes32 --workdir=runs/grown \\
        --config.generator.fmap_base=512 --config.generator.fmap_max=32 \\
        --config.discriminator.fmap_base=512 --config.discriminator.fmap_max=32 \\
        --config.generator.latent_size=64 --config.generator.w_size=64 \\
        --config.schedule.growth.stable_images=20_000 --config.schedule.growth.fade_images=20_000 \\
        --config.schedule.growth.batch_sizes=8:32 --config.training.batch_size=16 \\
        --config.training.total_images=200_000

Source: Karras et al. 2019 and the settings of their program: R1 of weight 10 in every step, and no
mirroring of LSUN; --config.data.mirror mirrors. Departs from it: images of small sides are means
of the stored ones, where the program stores every side rounded to whole numbers; batch and step
sizes are looked up before every step, not before every fourth.

Hardware, hours, FID: unknown, not trained here.
"""

from typing import Optional

from dualcontrast.configs.paper import stylegan_protocol
from dualcontrast.trainer.config.schema import Config
from dualcontrast.trainer.errors import UserError

# Step sizes by side.
_RATES = {32: 0.001, 64: 0.001, 128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}


def get_config(side: Optional[str] = None) -> Config:
    """The recipe for images of a side, by default 256."""
    known = {str(side): rate for side, rate in _RATES.items()}
    side = side or "256"
    if side not in known:
        raise UserError(f"no recipe stylegan:{side}, expected one of {', '.join(known)}")
    changes = {
        "loss": "non_saturating",
        "generator.growing": True,
        "discriminator.growing": True,
        "schedule.growth.batch_sizes": "8:256,16:128,32:64",
        "schedule.growth.learning_rates": ",".join(
            f"{at}:{_RATES[at]}" for at in _RATES if at >= 64
        ),
        "schedule.generator.learning_rate": known[side],
        "schedule.discriminator.learning_rate": known[side],
        "data.resolution": int(side),
    }
    return stylegan_protocol.experiment(None, changes)
