"""U-Net GAN on StyleGAN2's networks: config E's generator, cross entropies of images and of pixels.

    dualcontrast-convert --source=bedroom_train_lmdb --resolution=256 --crop=center --upscale \\
        --dest=data/bedroom256
    dualcontrast-train --config=unetgan_stylegan2:bedroom256 --data=data/bedroom256 \\
        --workdir=runs/unetgan_stylegan2_bedroom256
    dualcontrast-evaluate --run=runs/unetgan_stylegan2_bedroom256 --data=data/bedroom256 \\
        --extractor=inception --inception=GRAPH.pb

Published in thesis T2.6 / supp T5:

                fid50k   ppl  precision  recall
    bedroom256    17.6   504       0.48    0.03
    church256     11.7   318       0.62    0.07
    horse256      20.2   296       0.57    0.13
    clevr256      33.3   202       0.04    0.08

The thesis trained U-Net GAN "by adapting it to the better backbone of StyleGAN2", better than the
authors' release but on FFHQ, and says no more. FFHQ is an argument too; the tables have the
release's value there, of BigGAN's networks: `unetgan_bce`.

The networks, R1, path lengths, step sizes and the average are those of `sg2e_ns`; R1 takes the
slope of the image's logit plus the mean of those of pixels. The discriminator has a decoder more,
the losses and the mixed images are those of `unetgan_bce`. The decoder, what R1 is of, and the
warm-up of the mixed images are our proposal (docs/fidelity.md).

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs import unetgan_bce
from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config.families import unet_stylegan2
from dualcontrast.trainer.config.schema import Config, replace


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    base = Config(discriminator=unet_stylegan2.Discriminator())
    return protocol.on_dataset(replace(base, protocol.PROTOCOL | unetgan_bce.ROW), dataset)
