"""SAN at 64x64 of the generator and the dual contrastive loss.

    dualcontrast-convert --source=images1024x1024 --resolution=256 --filter=box \\
        --dest=data/ffhq256
    dualcontrast-train --config=sg2e_gsan64_contr:ffhq256 --data=data/ffhq256 \\
        --workdir=runs/sg2e_gsan64_contr_ffhq256
    dualcontrast-evaluate --run=runs/sg2e_gsan64_contr_ffhq256 --data=data/ffhq256 --mirror \\
        --extractor=inception --inception=GRAPH.pb

The best resolution for FFHQ.

Published in thesis T2.6 / supp T5:

             fid50k     ppl  precision  recall     sep
    ffhq256    4.63      65       0.70    0.41    3.60

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
            "loss": "dual_contrastive",
            "generator.attention.kind": "san",
            "generator.attention.resolution": 64,
        },
    )
