"""StyleGAN2 config E with patch-wise self-attention (SAN) at 128x128 of the generator.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_gsan128:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_gsan128_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_gsan128_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

One of the resolutions that the supplement compares; the best of a dataset is in table 2.6.

Published in supp T2:

                fid50k
    ffhq256       5.75
    bedroom256    6.69
    church256     4.82
    horse256      6.82
    clevr256     18.40

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
            "generator.attention.resolution": 128,
        },
    )
