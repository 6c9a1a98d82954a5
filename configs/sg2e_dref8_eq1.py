"""Reference attention at 8x8, queries and values of the reference.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_dref8_eq1:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_dref8_eq1_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_dref8_eq1_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

Equation 1 of the supplement, a variant that it rejects.

Published in supp T3:

                       fid50k
    celeba128_30k       10.39
    animalface128_30k   65.16
    bedroom128_30k      20.22
    church128_30k       17.85

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
            "discriminator.attention.pairing": "supplement_1",
            "discriminator.attention.resolution": 8,
        },
    )
