"""StyleGAN with the dual contrastive loss, of fixed structure.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg1_contr:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg1_contr_ffhq256
    dualcontrast-evaluate --run=runs/sg1_contr_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

Warm-up: 20 passes over the images with the non-saturating loss, at most 1.4 million images.

Published in supp T1:

                fid50k
    ffhq256       6.42
    bedroom256    4.76
    church256     4.48
    horse256      6.26
    clevr256      8.96

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import stylegan_protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return stylegan_protocol.experiment(dataset, {"loss": "dual_contrastive"})
