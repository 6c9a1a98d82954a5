"""SNDCGAN on CIFAR-10, CIFAR-100 and CelebA-HQ: ContraD, SimCLR alone, and their baselines.

The argument is the row and the dataset; the row alone takes images of your own:

    dualcontrast-convert --source=tfds:cifar10:train --labels=tfds:label --dest=data/cifar10
    dualcontrast-convert --source=tfds:cifar10:test --labels=tfds:label --dest=data/cifar10_test
    dualcontrast-train --config=sndcgan:contrad_cifar10 --data=data/cifar10 \\
        --workdir=runs/sndcgan_contrad_cifar10
    dualcontrast-evaluate --run=runs/sndcgan_contrad_cifar10 --data=data/cifar10_test \\
        --fake_count=10000 --metrics=fid,is --extractor=inception --inception=GRAPH.pb
    dualcontrast-linear-eval --run=runs/sndcgan_contrad_cifar10 --data=data/cifar10 \\
        --test=data/cifar10_test

200,000 steps of 64 images, with views of 512, in which the step size rises for 3,000 steps.

CelebA-HQ at 128x128 has 100,000 steps of 64 images, the blur among its augmentations, and the rows
base, cr, bcr and contrad; with the hinge loss, base takes --config.loss=hinge. docs/experiments.md
says which images are its test images:

    dualcontrast-convert --source=celebahq/train --resolution=128 --dest=data/celebahq128
    dualcontrast-convert --source=celebahq/test --resolution=128 --dest=data/celebahq128_test
    dualcontrast-train --config=sndcgan:contrad_celebahq128 --data=data/celebahq128 \\
        --workdir=runs/sndcgan_contrad_celebahq128
    dualcontrast-evaluate --run=runs/sndcgan_contrad_celebahq128 --data=data/celebahq128_test \\
        --fake_count=3000 --metrics=fid --extractor=inception --inception=GRAPH.pb

What was published for it could not be read here.

Published in ContraD T1:

                      fid10k   is10k
    base_cifar10         26.6    7.38
    base_cifar100        28.5    7.25
    cr_cifar10           19.5    7.87
    cr_cifar100          22.2    7.91
    bcr_cifar10          14.0    8.35
    bcr_cifar100         19.2    8.46
    diffaug_cifar10      22.9    7.64
    diffaug_cifar100     27.0    7.47
    contrad_cifar10      10.9    8.78
    contrad_cifar100     15.2    9.09

Published in ContraD T3:

                   linear_acc
    simclr_cifar10       72.9
    simclr_cifar100      30.8
    contrad_cifar10      77.5
    contrad_cifar100     37.4

The second is of dualcontrast-linear-eval, in percent, with deviations of 0.02 to 0.2.
Hardware, hours, scores: unknown, not trained here.
"""

from typing import Optional

from dualcontrast.configs.paper import contrad_protocol, contrad_sngan
from dualcontrast.configs.paper.contrad_protocol import Setting
from dualcontrast.trainer.config.schema import Config

_CELEBA_HQ = Setting(
    resolution=128,
    batches=(64, 64),
    steps=100_000,
    rows=("base", "cr", "bcr", "contrad"),
    views={"augmentation.blur": True},
)


def get_config(argument: Optional[str] = None) -> Config:
    """A row of the tables on a dataset of theirs, or on images of your own."""
    system = contrad_sngan.system("dcgan")
    settings = contrad_sngan.CIFAR | {"celebahq128": _CELEBA_HQ}
    return contrad_protocol.experiment(system, settings, argument)
