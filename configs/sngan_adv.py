"""SNGAN with the hinge loss, unconditional.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sngan_adv:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sngan_adv_ffhq256
    dualcontrast-evaluate --run=runs/sngan_adv_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

The table says "SNGAN" and names no loss: that of Miyato and Koyama's program is taken.

Published in supp T1:

                fid50k
    ffhq256      11.28
    bedroom256   11.14
    church256     7.37
    horse256     13.87
    clevr256     29.19

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import sngan_protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return sngan_protocol.experiment(dataset, {"loss": "hinge"})
