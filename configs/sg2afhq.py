"""StyleGAN2 on AFHQ at 512x512: ContraD and its baseline, for dogs, cats, and wild animals.

The argument is the row, contrad or base, and the dataset; the row alone takes images of your own:

    dualcontrast-convert --source=afhq/train/dog --resolution=512 --dest=data/afhqdog512
    dualcontrast-train --config=sg2afhq:contrad_afhqdog512 --data=data/afhqdog512 \\
        --workdir=runs/sg2afhq_contrad_afhqdog512
    dualcontrast-evaluate --run=runs/sg2afhq_contrad_afhqdog512 --data=data/afhqdog512 \\
        --fake_count=50000 --metrics=fid --extractor=inception --inception=GRAPH.pb

and likewise afhq/train/cat and afhqcat512, afhq/train/wild and afhqwild512. AFHQ is that of
StarGAN v2's first release, of 4739 dogs, 5153 cats and 4738 wild animals.

400,000 steps of 64 images, flipped at random, in which the step size rises for 3,000 steps with
views. The augmentations are stronger than on CIFAR-10 and have the blur; cats and wild animals have
the cutout too. Reals and fakes are judged in passes of their own. The average of the weights has a
half-life of 20,000 images. R1 has a weight of 0.5 and comes every 16 steps, at augmented images.
Departs from the program, which adds 16 times the penalty to the loss of that step, with Adam's
constants as they are: here it is a step of its own, for which they are corrected.

Published in ContraD by wizwand.com:

                          fid50k
    contrad_afhqdog512      7.16
    contrad_afhqcat512      3.82

The paper itself could not be read here, and the site has no value of wild animals.
Hardware, hours, scores: unknown, not trained here.
"""

from typing import Any, Optional

from dualcontrast.configs.paper import contrad_protocol, contrad_stylegan2
from dualcontrast.configs.paper.contrad_protocol import Setting
from dualcontrast.trainer.config.schema import Config

_PENALTY = {"penalties.r1_gamma": 0.5, "penalties.r1_every": 16}
_VIEWS = {
    "augmentation.least_area": 0.08,
    "augmentation.jitter": 0.8,
    "augmentation.hue": 0.2,
    "augmentation.blur": True,
    "loss.d_batching": "separate",
}
_CUTOUT = {"augmentation.cutout": True}


def get_config(argument: Optional[str] = None) -> Config:
    """A row on a dataset of theirs, or on images of your own."""
    system = contrad_stylegan2.system(8192, 0.0025, 20_000, _PENALTY)
    settings = {
        "afhqdog512": _setting({}),
        "afhqcat512": _setting(_CUTOUT),
        "afhqwild512": _setting(_CUTOUT),
    }
    return contrad_protocol.experiment(system, settings, argument)


def _setting(views: dict[str, Any]) -> Setting:
    return Setting(512, (64, 64), 400_000, ("base", "contrad"), _VIEWS | views)
