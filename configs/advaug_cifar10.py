"""AdvAug's discriminator on SNGAN, CIFAR-10 (Chen et al. 2021), with the signs of its program.

    dualcontrast-convert --source=tfds:cifar10:train --dest=data/cifar10
    dualcontrast-convert --source=tfds:cifar10:test --dest=data/cifar10_test
    dualcontrast-train --config=advaug_cifar10 --data=data/cifar10 --workdir=runs/advaug_cifar10
    dualcontrast-evaluate --run=runs/advaug_cifar10 --data=data/cifar10_test \\
        --fake_count=10000 --metrics=fid,is --extractor=inception --inception=GRAPH.pb

The program's features of reals move by 0.1, a default of its own, and those of fakes by 0.01. The
paper's signs: --config.adversarial_features.sign=paper. The number of steps and their batches, and
that the step size falls to 0, are those of Miyato and Koyama on CIFAR-10. AdvAug's generator is not
here.

Hardware, hours, scores: unknown, not trained here; the tables at hand have none of AdvAug.
"""

import math

from dualcontrast.configs.paper import sngan_protocol
from dualcontrast.trainer.config.schema import Config

_ITERATION = 5 * 64  # real images
_DECAY = {"decay_from_images": 0, "decay_to_images": 50_000 * _ITERATION}

ROW = {
    "loss": "hinge",
    "adversarial_features.real_gamma": 0.1,
    "adversarial_features.fake_gamma": 0.01,
    "adversarial_features.sign": "code",
    "data.resolution": 32,
    "data.channels": 3,
    "schedule.order": "discriminator_first",
    # 0.999 a step of the generator.
    "schedule.average.half_life_images": round(_ITERATION * math.log(0.5) / math.log(0.999)),
    **{
        f"schedule.{network}.{name}": value
        for network in ("generator", "discriminator")
        for name, value in _DECAY.items()
    },
    "training.total_images": 50_000 * _ITERATION,
}


def get_config() -> Config:
    """SNGAN's residual networks at 32x32 with adversarial features in the discriminator."""
    return sngan_protocol.experiment(None, ROW)
