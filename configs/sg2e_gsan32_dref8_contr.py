"""SAN in the generator, reference attention in D, and the dual contrastive loss.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_gsan32_dref8_contr:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_gsan32_dref8_contr_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_gsan32_dref8_contr_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

All that the paper proposes, at the scale of 30,000 images.

Published in supp T7:

                       fid50k
    celeba128_30k        6.00
    animalface128_30k   25.03
    bedroom128_30k      12.84
    church128_30k        8.75

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
            "loss": "dual_contrastive",
            "generator.attention.kind": "san",
            "generator.attention.resolution": 32,
            "discriminator.attention.pairing": "reference",
            "discriminator.attention.resolution": 8,
        },
    )
