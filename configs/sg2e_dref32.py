"""StyleGAN2 config E with reference attention at 32x32 of the discriminator.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_dref32:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_dref32_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_dref32_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

The supplement's comparison of resolutions; 8x8 is the best, and beyond 32x32 it diverges.

Published in supp T6:

                       fid50k
    celeba128_30k       55.07
    animalface128_30k  195.82
    bedroom128_30k     146.85
    church128_30k       61.83

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
            "discriminator.attention.pairing": "reference",
            "discriminator.attention.resolution": 32,
        },
    )
