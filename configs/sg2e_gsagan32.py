"""StyleGAN2 config E with SAGAN's attention at 32x32 of the generator.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_gsagan32:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_gsagan32_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_gsagan32_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

Table 2.4 has fewer parameters than replacing one convolution can explain.

Published in thesis T2.3 / poster:

                       fid50k
    celeba128_30k        9.35
    animalface128_30k   34.83
    bedroom128_30k      17.94
    church128_30k       10.65

Published in thesis T2.4 / poster:

             flops_g  params_m
    256x256     0.99     44.99

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
            "generator.attention.kind": "sagan",
            "generator.attention.resolution": 32,
        },
    )
