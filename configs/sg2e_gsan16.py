"""StyleGAN2 config E with patch-wise self-attention (SAN) at 16x16 of the generator.

    dualcontrast-convert --source=horse_lmdb --resolution=256 --crop=center --upscale \\
        --dest=data/horse256
    dualcontrast-train --config=sg2e_gsan16:horse256 --data=data/horse256 \\
        --workdir=runs/sg2e_gsan16_horse256
    dualcontrast-evaluate --run=runs/sg2e_gsan16_horse256 --data=data/horse256 \\
        --extractor=inception --inception=GRAPH.pb

The supplement's best resolution for Horse and CLEVR. Horse has two published values.

Published in thesis T2.6 / supp T5:

              fid50k     ppl  precision  recall
    horse256    3.59     636       0.64    0.39
    clevr256    8.96      67       0.47    0.63

Published in supp T2:

                fid50k
    ffhq256       5.81
    bedroom256    4.21
    church256     5.24
    horse256      3.58
    clevr256      8.96

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
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
            "generator.attention.resolution": 16,
        },
    )
