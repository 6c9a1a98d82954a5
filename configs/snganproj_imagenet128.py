"""SNGAN with projection on the 1,000 classes of ImageNet at 128x128: what SAGAN is compared with.

    dualcontrast-convert --source=ILSVRC2012/train --resolution=128 --crop=center --upscale \\
        --labels=folders --dest=data/imagenet128
    dualcontrast-train --config=snganproj_imagenet128 --data=data/imagenet128 \\
        --workdir=runs/snganproj_imagenet128
    dualcontrast-evaluate --run=runs/snganproj_imagenet128 --data=data/imagenet128 \\
        --extractor=inception --inception=GRAPH.pb

Published (Miyato and Koyama 2018, as quoted by Zhang et al. 2019):

                is50k   fid50k
    imagenet128 36.80    27.62

These are of 850,000 steps of the generator. That the step size falls in the last 50,000 is ours, as
in the program's 450,000, whose score is 29.7.

Hardware, hours, scores: unknown, not trained here.
"""

from dualcontrast.configs.paper import sngan_protocol
from dualcontrast.trainer.config.schema import Config

_ITERATION = 5 * 64  # real images

ROW = {
    "loss": "hinge",
    "generator.fake_labels": "uniform",
    "data.resolution": 128,
    "data.channels": 3,
    "data.labels": True,
    "schedule.generator.decay_from_images": 800_000 * _ITERATION,
    "schedule.generator.decay_to_images": 850_000 * _ITERATION,
    "schedule.discriminator.decay_from_images": 800_000 * _ITERATION,
    "schedule.discriminator.decay_to_images": 850_000 * _ITERATION,
    "training.total_images": 850_000 * _ITERATION,
}


def get_config() -> Config:
    """The baseline of the slides on SAGAN."""
    return sngan_protocol.experiment(None, ROW)
