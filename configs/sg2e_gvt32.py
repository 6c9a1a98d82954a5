"""StyleGAN2 config E with the visual transformer's layer at 32x32 of the generator.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_gvt32:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_gvt32_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_gvt32_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

The sizes of the layer are our choices: no natural ones have table 2.4's parameters.

Published in thesis T2.3 / poster:

                       fid50k
    celeba128_30k        9.18
    animalface128_30k   34.70
    bedroom128_30k      16.85
    church128_30k       10.64

Published in thesis T2.4 / poster:

             flops_g  params_m
    256x256     7.39    240.09

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
            "generator.attention.kind": "vt",
            "generator.attention.resolution": 32,
        },
    )
