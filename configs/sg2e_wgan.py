"""StyleGAN2 config E with the Wasserstein loss.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_wgan:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_wgan_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_wgan_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

R1 and path length stay on and no gradient penalty is added, because the paper keeps all else the
same. The small weight on squared logits of reals is StyleGAN2's.

Published in thesis T2.1 / poster:

                fid50k
    ffhq256       7.99
    bedroom256    6.05
    church256     6.28
    horse256      7.23
    clevr256      5.82

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return protocol.experiment(dataset, {"loss": "wasserstein"})
