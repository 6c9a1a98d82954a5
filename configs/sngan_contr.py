"""SNGAN with the dual contrastive loss, unconditional.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sngan_contr:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sngan_contr_ffhq256
    dualcontrast-evaluate --run=runs/sngan_contr_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

Warm-up: 20 passes over the images with the non-saturating loss, at most 1.4 million images.

Published in supp T1:

                fid50k
    ffhq256       8.98
    bedroom256   10.79
    church256     6.51
    horse256     13.59
    clevr256     18.23

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import sngan_protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return sngan_protocol.experiment(dataset, {"loss": "dual_contrastive"})
