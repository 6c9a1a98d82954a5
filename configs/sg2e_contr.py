"""StyleGAN2 config E with the dual contrastive loss.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_contr:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_contr_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_contr_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

Warm-up: 20 passes over the images with the non-saturating loss, at most 1.4 million images. Table
2.2's distance of discriminator features (`--metrics=fddf`) is larger than the baseline's, except on
CLEVR, where the text says otherwise.

Published in thesis T2.1 / poster:

                fid50k
    ffhq256       3.98
    bedroom256    3.86
    church256     3.73
    horse256      3.70
    clevr256      6.06

Published in thesis T2.2:

                fddf50k
    ffhq256         377
    bedroom256      580
    church256       856
    horse256       1645
    clevr256        513

Published in thesis T2.6 / supp T5:

                fid50k     ppl  precision  recall     sep
    ffhq256       3.98      50       0.71    0.44    3.76
    bedroom256    3.86    1054       0.60    0.31       -
    church256     3.73     619       0.60    0.40       -
    horse256      3.70     740       0.64    0.39       -
    clevr256      6.06     816       0.57    0.65       -

Hardware, hours, FID: unknown, not trained here. docs/experiments.md has the other datasets.
"""

from typing import Optional

from dualcontrast.configs.paper import protocol
from dualcontrast.trainer.config.schema import Config


def get_config(dataset: Optional[str] = None) -> Config:
    """The row on a dataset of the paper, or on images of your own."""
    return protocol.experiment(dataset, {"loss": "dual_contrastive"})
