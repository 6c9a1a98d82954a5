"""StyleGAN2 config E with self-attention (SAN) in the discriminator.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_dsan8:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_dsan8_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_dsan8_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

The paper does not say at which resolution; 8x8 is ours, that of the reference attention.

Published in thesis T2.5 / poster:

                       fid50k
    celeba128_30k       10.49
    animalface128_30k   42.41
    bedroom128_30k      17.22
    church128_30k       11.06

The FID compares with the whole dataset, converted without --max_images. Hardware, hours, FID:
unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return protocol.experiment(
        dataset,
        {
            "loss": "non_saturating",
            "discriminator.attention.pairing": "self",
            "discriminator.attention.resolution": 8,
        },
    )
