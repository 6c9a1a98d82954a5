"""StyleGAN with the non-saturating loss, of fixed structure.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg1_ns:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg1_ns_ffhq256
    dualcontrast-evaluate --run=runs/sg1_ns_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

Published in supp T1:

                fid50k
    ffhq256       6.83
    bedroom256    5.30
    church256     5.12
    horse256      7.27
    clevr256     12.43

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import stylegan_protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return stylegan_protocol.experiment(dataset, {"loss": "non_saturating"})
