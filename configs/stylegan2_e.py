"""StyleGAN2 config E trained with the dual contrastive loss, at the resolution of the dataset.

    dualcontrast-train --config=stylegan2_e --data=DATASET --workdir=RUN

Source: Karras et al. 2020, config E, with the loss of Yu et al. 2021: the non-saturating loss for
the first 1.4 million images (20 passes over 70 000 images), then the dual contrastive loss.

Hardware, hours, FID: unknown. 25 million images have not been trained with this file here.
"""

from dualcontrast.trainer.config import Config


def get_config() -> Config:
    """The defaults of the schema are this experiment."""
    return Config()
