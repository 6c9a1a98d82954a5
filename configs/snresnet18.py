"""SNResNet-18 on CIFAR-10 and CIFAR-100: ContraD, SimCLR alone, and their baselines.

The generator is SNDCGAN's.

The argument is the row and the dataset; the row alone takes images of your own:

    dualcontrast-convert --source=tfds:cifar10:train --labels=tfds:label --dest=data/cifar10
    dualcontrast-convert --source=tfds:cifar10:test --labels=tfds:label --dest=data/cifar10_test
    dualcontrast-train --config=snresnet18:contrad_cifar10 --data=data/cifar10 \\
        --workdir=runs/snresnet18_contrad_cifar10
    dualcontrast-evaluate --run=runs/snresnet18_contrad_cifar10 --data=data/cifar10_test \\
        --fake_count=10000 --metrics=fid,is --extractor=inception --inception=GRAPH.pb
    dualcontrast-linear-eval --run=runs/snresnet18_contrad_cifar10 --data=data/cifar10 \\
        --test=data/cifar10_test

200,000 steps of 64 images, with views of 512, in which the step size rises for 3,000 steps.

Published in ContraD T1:

                      fid10k   is10k
    base_cifar10         41.3    6.33
    base_cifar100        52.3    5.24
    cr_cifar10           32.1    7.08
    cr_cifar100          36.5    6.55
    bcr_cifar10          22.8    7.29
    bcr_cifar100         28.2    7.30
    diffaug_cifar10      59.5    5.62
    diffaug_cifar100     58.7    5.39
    contrad_cifar10      9.86    9.09
    contrad_cifar100     15.0    9.56

Published in ContraD T3:

                   linear_acc
    simclr_cifar10       80.3
    simclr_cifar100      41.2
    contrad_cifar10      85.7
    contrad_cifar100     51.1

The second is of dualcontrast-linear-eval, in percent, with deviations of 0.02 to 0.2.
Hardware, hours, scores: unknown, not trained here.
"""

from typing import Optional

from dualcontrast.configs.paper import contrad_protocol, contrad_sngan
from dualcontrast.trainer.config.schema import Config


def get_config(argument: Optional[str] = None) -> Config:
    """A row of the tables on a dataset of theirs, or on images of your own."""
    system = contrad_sngan.system("resnet18")
    return contrad_protocol.experiment(system, contrad_sngan.CIFAR, argument)
