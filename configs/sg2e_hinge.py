"""StyleGAN2 config E with the hinge loss.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_hinge:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_hinge_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_hinge_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

R1 and path length stay on, because the paper keeps all else the same.

Published in thesis T2.1 / poster:

                fid50k
    ffhq256       4.14
    bedroom256    4.92
    church256     4.39
    horse256      5.27
    clevr256     14.87

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return protocol.experiment(dataset, {"loss": "hinge"})
