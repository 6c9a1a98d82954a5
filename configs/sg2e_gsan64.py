"""StyleGAN2 config E with patch-wise self-attention (SAN) at 64x64 of the generator.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_gsan64:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_gsan64_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_gsan64_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

The supplement's best resolution for FFHQ.

Published in thesis T2.6 / supp T5:

             fid50k     ppl  precision  recall     sep
    ffhq256    5.13      54       0.69    0.41    4.18

Published in supp T2:

                fid50k
    ffhq256       5.13
    bedroom256    3.69
    church256     4.57
    horse256      3.94
    clevr256     12.48

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
            "generator.attention.resolution": 64,
        },
    )
