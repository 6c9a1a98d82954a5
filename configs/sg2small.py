"""Small StyleGAN2 on CIFAR-10 and CIFAR-100: ContraD, SimCLR alone, and their baselines.

The argument is the row and the dataset; the row alone takes images of your own:

    dualcontrast-convert --source=tfds:cifar10:train --labels=tfds:label --dest=data/cifar10
    dualcontrast-convert --source=tfds:cifar10:test --labels=tfds:label --dest=data/cifar10_test
    dualcontrast-train --config=sg2small:contrad_cifar10 --data=data/cifar10 \\
        --workdir=runs/sg2small_contrad_cifar10
    dualcontrast-evaluate --run=runs/sg2small_contrad_cifar10 --data=data/cifar10_test --mirror \\
        --fake_count=10000 --metrics=fid,is --extractor=inception --inception=GRAPH.pb
    dualcontrast-linear-eval --run=runs/sg2small_contrad_cifar10 --data=data/cifar10 \\
        --test=data/cifar10_test

800,000 steps of 32 images, with views of 64, in which the step size rises for 3,000 steps. R1 is a
part of every update of the discriminator, at augmented images; there is no path length regulariser.

Published in ContraD T1:

                      fid10k   is10k
    base_cifar10         11.1    9.18
    base_cifar100        16.5    9.51
    diffaug_cifar10      9.89     9.4
    diffaug_cifar100     15.2    10.0
    contrad_cifar10       9.8    9.47
    contrad_cifar100     14.1    10.0

Published in ContraD T3:

                   linear_acc
    simclr_cifar10       86.2
    simclr_cifar100      61.1
    contrad_cifar10      88.6
    contrad_cifar100     68.1

The second is of dualcontrast-linear-eval, in percent, with deviations of 0.02 to 0.2.
Hardware, hours, scores: unknown, not trained here.
"""

from typing import Optional

from dualcontrast.configs.paper import contrad_protocol, contrad_stylegan2
from dualcontrast.configs.paper.contrad_protocol import Setting
from dualcontrast.trainer.config.schema import Config

_PENALTY = {"penalties.r1_gamma": 0.1, "penalties.r1_every": None}
_SETTINGS = {name: Setting(32, (32, 64), 800_000) for name in ("cifar10", "cifar100")}


def get_config(argument: Optional[str] = None) -> Config:
    """A row of the tables on a dataset of theirs, or on images of your own."""
    system = contrad_stylegan2.system(2048, 0.002, 1_000_000, _PENALTY)
    return contrad_protocol.experiment(system, _SETTINGS, argument)
