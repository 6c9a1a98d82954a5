"""U-Net GAN on StyleGAN2's networks: config E's generator, cross entropies of images and of pixels.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=unetgan_stylegan2:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/unetgan_stylegan2_ffhq256
    dualcontrast-evaluate --run=runs/unetgan_stylegan2_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

The other reading of the rows of `unetgan_bce`, which has what was published: the tables do not say
on which networks U-Net GAN was trained on other datasets than FFHQ.

The networks, R1, path lengths, step sizes and the average are those of `sg2e_ns`; R1 takes the
slope of the image's logit plus the mean of those of pixels. The discriminator has a decoder more,
the losses and the mixed images are those of `unetgan_bce`. All of the decoder, and that warm-up in
batches of this size, are ours: nothing is published of these networks.

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
