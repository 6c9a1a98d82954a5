"""SAN at 16x16 of the generator and the dual contrastive loss.

    dualcontrast-convert --source=horse_lmdb --resolution=256 --crop=center --upscale \\
        --dest=data/horse256
    dualcontrast-train --config=sg2e_gsan16_contr:horse256 --data=data/horse256 \\
        --workdir=runs/sg2e_gsan16_contr_horse256
    dualcontrast-evaluate --run=runs/sg2e_gsan16_contr_horse256 --data=data/horse256 \\
        --extractor=inception --inception=GRAPH.pb

The best resolution for Horse and CLEVR.

Published in thesis T2.6 / supp T5:

              fid50k     ppl  precision  recall
    horse256    2.97    1367       0.64    0.43
    clevr256    5.05     106       0.58    0.70

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
            "generator.attention.resolution": 16,
        },
    )
