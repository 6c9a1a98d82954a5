"""U-Net GAN without classes: BigGAN's generator, cross entropies of images and of pixels.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=unetgan_bce:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/unetgan_bce_ffhq256
    dualcontrast-evaluate --run=runs/unetgan_bce_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

Published in thesis T2.6 / supp T5:

             fid50k   ppl  precision  recall   sep
    ffhq256    7.48    32       0.68    0.19  2.00

The settings are those of the authors' program for FFHQ (Schonfeld et al. 2020): batches of 20, and
in one half of the discriminator's steps, once so many images are seen as 100 passes over FFHQ have,
mixed images in place of the adversarial loss. The length is ours. The tables' FID on FFHQ is that
of the authors' release; on the other datasets they are of U-Net GAN on StyleGAN2's networks,
configs/unetgan_stylegan2.py. Here these datasets are arguments too, with nothing published.

configs/unetgan_scenes32.py is a small one for a CPU.

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import biggan_protocol
from dualcontrast.trainer.config.families import unet
from dualcontrast.trainer.config.schema import Config

ROW = {
    "loss": "non_saturating",  # the cross entropy of sigmoids
    "cutmix.probability": 0.5,
    "cutmix.warmup_images": 100 * 70_000,
    "cutmix.consistency_weight": 1.0,
}


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return biggan_protocol.experiment(dataset, unet.Discriminator(), ROW)
