"""The baseline: StyleGAN2 config E with its own non-saturating loss, on images of your own.

    dualcontrast-train --config=stylegan2_e_ns --data=DATASET --workdir=RUN

Source: Karras et al. 2020, config E. It differs from configs/stylegan2_e.py in the loss alone.
The paper's own datasets are arguments of the same experiment, configs/sg2e_ns.py.

Hardware, hours, FID: unknown. 25 million images have not been trained with this file here.
"""

from dualcontrast.configs import sg2e_ns
from dualcontrast.trainer.config.schema import Config


def get_config() -> Config:
    """The row sg2e_ns, at the resolution of the dataset."""
    return sg2e_ns.get_config()
