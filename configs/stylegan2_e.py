"""StyleGAN2 config E trained with the dual contrastive loss, on images of your own.

    dualcontrast-train --config=stylegan2_e --data=DATASET --workdir=RUN

Source: Karras et al. 2020, config E, with the loss of Yu et al. 2021: the non-saturating loss for
the first 1.4 million images (20 passes over 70 000 images), then the dual contrastive loss. The
paper's own datasets are arguments of the same experiment, configs/sg2e_contr.py.

Hardware, hours, FID: unknown. 25 million images have not been trained with this file here.
"""

from dualcontrast.configs import sg2e_contr
from dualcontrast.trainer.config.schema import Config


def get_config() -> Config:
    """The row sg2e_contr, at the resolution of the dataset."""
    return sg2e_contr.get_config()
