"""AdvAug on SNGAN, CIFAR-10 (Chen et al. 2021), with the signs of its program.

The argument is the row: base without AdvAug, adv_d with it in the discriminator, adv_g in the
generator, adv_gd (what there is without an argument) in both; or a row and _5k, which is the same
for a tenth of the images:

    dualcontrast-convert --source=tfds:cifar10:train --dest=data/cifar10
    dualcontrast-convert --source=tfds:cifar10:test --dest=data/cifar10_test
    dualcontrast-train --config=advaug_cifar10:adv_gd --data=data/cifar10 \\
        --workdir=runs/advaug_cifar10_adv_gd
    dualcontrast-evaluate --run=runs/advaug_cifar10_adv_gd --data=data/cifar10_test \\
        --fake_count=10000 --metrics=fid,is --extractor=inception --inception=GRAPH.pb
    dualcontrast-convert --source=tfds:cifar10:train --max_images=5000 --dest=data/cifar10_5k
    dualcontrast-train --config=advaug_cifar10:adv_gd_5k --data=data/cifar10_5k \\
        --workdir=runs/advaug_cifar10_adv_gd_5k

Published in AdvAug T6:

               fid10k   is10k
    base        15.69    8.29
    adv_gd      13.99    8.42
    base_5k     44.22    5.24
    adv_gd_5k   41.25    6.10

The table does not name its dataset, which the text around it does, and the appendix has an
inception score of 5.64 where the table has 6.10. The paper compares with the validation images, its
program with the training images.

The program's steps are of 0.01, but in adv_d the features of reals move by 0.1, a default that its
argument does not reach. The paper's signs: --config.adversarial_features.sign=paper. The number of
steps and their batches, and that the step size falls to 0, are those of Miyato and Koyama on
CIFAR-10.

Hardware, hours, scores: unknown, not trained here.
"""

import math
from typing import Any, Optional

from dualcontrast.configs.paper import sngan_protocol
from dualcontrast.trainer.config.schema import Config
from dualcontrast.trainer.errors import UserError

_ITERATION = 5 * 64  # real images
_DECAY = {"decay_from_images": 0, "decay_to_images": 50_000 * _ITERATION}

_COMMON = {
    "loss": "hinge",
    "adversarial_features.sign": "code",
    "adversarial_features.steps": 1,
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
# How far features move: of reals and of fakes in the discriminator, and in the generator.
_GAMMAS = {
    "base": (0.0, 0.0, 0.0),
    "adv_d": (0.1, 0.01, 0.0),
    "adv_g": (0.0, 0.0, 0.01),
    "adv_gd": (0.01, 0.01, 0.01),
}
_FIELDS = ("real_gamma", "fake_gamma", "generator_gamma")


def get_config(argument: Optional[str] = None) -> Config:
    """SNGAN's residual networks at 32x32 with features that move.

    Args:
      argument: a row, or one with _5k; None for adv_gd.

    Raises:
      UserError: there is no such row.
    """
    row = (argument or "adv_gd").removesuffix("_5k")
    if row not in _GAMMAS:
        raise UserError(
            f"AdvAug's table has no row {argument!r}: expected {', '.join(_GAMMAS)},"
            " alone or with _5k after it"
        )
    gammas: dict[str, Any] = {
        f"adversarial_features.{field}": gamma for field, gamma in zip(_FIELDS, _GAMMAS[row])
    }
    return sngan_protocol.experiment(None, _COMMON | gammas)
