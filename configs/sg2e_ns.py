"""The baseline: StyleGAN2 config E with its own non-saturating loss.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_ns:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_ns_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_ns_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

Published in thesis T2.1 / poster:

                fid50k
    ffhq256       4.86
    bedroom256    4.01
    church256     4.54
    horse256      3.91
    clevr256      9.62

Published in thesis T2.2:

                fddf50k
    ffhq256         245
    bedroom256      332
    church256       517
    horse256       1285
    clevr256       1909

Published in thesis T2.3 / poster; thesis T2.5 / poster; supp T7:

                       fid50k
    celeba128_30k        9.84
    animalface128_30k   36.55
    bedroom128_30k      19.33
    church128_30k       11.02

Published in thesis T2.4 / poster:

             flops_g  params_m
    256x256     1.08     48.77

Published in supp T4 / Fig 2.6:

                   fid50k@1k  fid50k@5k  fid50k@10k  fid50k@30k  fid50k@50k  fid50k@100k
    celeba128          55.71      23.48       14.73        9.84        6.59         5.61
    animalface128     181.26      89.88       61.36       36.55       28.92        22.85
    bedroom128        230.40      57.68       40.70       19.33       14.01         9.42
    church128         107.31      29.30       17.94       11.02        8.88         7.32

Published in thesis T2.6 / supp T5:

                fid50k     ppl  precision  recall     sep
    ffhq256       4.86      47       0.69    0.42    5.08
    bedroom256    4.01     976       0.59    0.32       -
    church256     4.54     511       0.57    0.42       -
    horse256      3.91     637       0.63    0.40       -
    clevr256      9.62     582       0.46    0.56       -

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return protocol.experiment(dataset, {"loss": "non_saturating"})
