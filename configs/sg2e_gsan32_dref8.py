"""SAN at 32x32 of the generator and reference attention at 8x8 of D.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_gsan32_dref8:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_gsan32_dref8_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_gsan32_dref8_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

Table 2.5 gives the same numbers for reference attention alone (configs/sg2e_dref8.py): one of the
two labels is wrong.

Published in supp T7:

                       fid50k
    celeba128_30k        7.48
    animalface128_30k   31.08
    bedroom128_30k       8.32
    church128_30k        7.86

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
            "generator.attention.kind": "san",
            "generator.attention.resolution": 32,
            "discriminator.attention.pairing": "reference",
            "discriminator.attention.resolution": 8,
        },
    )
