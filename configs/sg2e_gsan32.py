"""StyleGAN2 config E with patch-wise self-attention (SAN) at 32x32 of the generator.

    dualcontrast-convert --source=img_align_celeba_png --resolution=128 --crop=celeba \\
        --noshuffle --dest=data/celeba128_30k --max_images=30000
    dualcontrast-train --config=sg2e_gsan32:celeba128_30k --data=data/celeba128_30k \\
        --workdir=runs/sg2e_gsan32_celeba128_30k
    dualcontrast-evaluate --run=runs/sg2e_gsan32_celeba128_30k --data=data/celeba128 \\
        --extractor=inception --inception=GRAPH.pb

Which convolution it replaces, and its patch, reduction and sharing, are our choices.

Published in thesis T2.3 / poster; supp T7:

                       fid50k
    celeba128_30k        8.60
    animalface128_30k   32.72
    bedroom128_30k      16.36
    church128_30k        9.62

Published in thesis T2.4 / poster:

             flops_g  params_m
    256x256     1.08     48.43

Published in thesis T2.6 / supp T5:

                fid50k     ppl  precision  recall
    bedroom256    3.48    1384       0.59    0.36
    church256     4.38     611       0.59    0.41

Published in supp T2:

                fid50k
    ffhq256       5.69
    bedroom256    3.48
    church256     4.38
    horse256      3.75
    clevr256      9.04

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
        },
    )
