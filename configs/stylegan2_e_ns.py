"""The baseline: StyleGAN2 config E with its own non-saturating loss.

    dualcontrast-train --config=stylegan2_e_ns --data=DATASET --workdir=RUN

Source: Karras et al. 2020, config E. It differs from configs/stylegan2_e.py in the loss alone.

Hardware, hours, FID: unknown. 25 million images have not been trained with this file here.
"""

from dualcontrast.trainer.config import Config, LossConfig


def get_config() -> Config:
    """Config E with the adversarial loss replaced."""
    return Config(loss=LossConfig(adversarial="non_saturating"))
