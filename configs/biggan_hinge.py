"""BigGAN without classes, the hinge loss.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=biggan_hinge:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/biggan_hinge_ffhq256
    dualcontrast-evaluate --run=runs/biggan_hinge_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

On a CPU, a sixteenth as wide:

    dualcontrast-train --config=biggan_hinge --data=data/photos32 --workdir=runs/photos32 \\
        --config.generator.width=16 --config.discriminator.width=16 \\
        --config.training.total_images=400_000 --config.schedule.average.half_life_images=8_000 \\
        --config.schedule.average.start_images=0

Published in thesis T2.6 / supp T5:

                fid50k
    ffhq256       11.4

That value is taken from the literature; where from is not said. Schonfeld et al. 2020 compare U-Net
GAN with BigGAN on FFHQ, without classes, so the settings are those of their program: z in every
block (self-modulation), no attention, batches of 20. The length is ours.

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import biggan_protocol
from dualcontrast.trainer.config.families import biggan
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    row = {"loss": "hinge", "discriminator.attention_resolution": None}
    return biggan_protocol.experiment(dataset, biggan.Discriminator(), row)
