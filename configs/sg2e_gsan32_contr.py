"""SAN at 32x32 of the generator and the dual contrastive loss.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_gsan32_contr:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_gsan32_contr_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_gsan32_contr_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

The best resolution for Bedroom and Church, and that of all datasets at 128x128.

Published in thesis T2.6 / supp T5:

                fid50k     ppl  precision  recall
    bedroom256    3.31    1830       0.59    0.37
    church256     3.39    1239       0.60    0.45

Published in supp T7:

                       fid50k
    celeba128_30k        7.55
    animalface128_30k   25.83
    bedroom128_30k      10.99
    church128_30k        8.12

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
        },
    )
