"""StyleGAN2 config E with the saturating loss: G minimises what D maximises.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_sat:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_sat_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_sat_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

Published in thesis T2.1 / poster:

                fid50k
    ffhq256       5.16
    bedroom256    4.26
    church256     4.80
    horse256      5.90
    clevr256     10.46

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return protocol.experiment(dataset, {"loss": "saturating"})
