"""StyleGAN2 config E with reference attention at 8x8 of the discriminator.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_dref8:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_dref8_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_dref8_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

Keys and queries come from a reference, values from the image (equation 8). A row that the sources
contradict each other on: supplement table 7 gives these numbers for SAN in the generator as well
(configs/sg2e_gsan32_dref8.py).

Published in thesis T2.5 / poster; supp T3; supp T6:

                       fid50k
    celeba128_30k        7.48
    animalface128_30k   31.08
    bedroom128_30k       8.32
    church128_30k        7.86

Published in supp T4 / Fig 2.6:

                   fid50k@1k  fid50k@5k  fid50k@10k  fid50k@30k  fid50k@50k  fid50k@100k
    celeba128          43.19      18.48       12.72        7.48        7.09         6.86
    animalface128     123.08      61.17       45.49       31.08       28.43        28.37
    bedroom128         79.81      19.64       12.29        8.32        7.15         6.89
    church128          43.05      17.85       12.13        7.86        7.09         7.08

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
            "discriminator.attention.resolution": 8,
        },
    )
