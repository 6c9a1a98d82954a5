"""StyleGAN2 with adaptive augmentation on CIFAR-10: the published recipe of that dataset.

    dualcontrast-convert --source=tfds:cifar10:train --labels=tfds:label --dest=data/cifar10
    dualcontrast-train --config=ada_cifar10 --data=data/cifar10 --workdir=runs/ada_cifar10
    dualcontrast-evaluate --run=runs/ada_cifar10 --data=data/cifar10 --metrics=fid,is \\
        --extractor=inception --inception=GRAPH.pb

With --config.data.labels the networks are given the classes.

Published in ADA figure 11:

                     fid50k   is50k
    unconditional      2.92    9.83
    conditional        2.42   10.14

Of the figure these are what table 3 of Song et al. 2021 quotes; 2.42 is in ADA's abstract too. Its
first version had 3.26 and 9.74, and 2.67 and 10.06 (table 1 of Ho et al. 2020).

Departs from the recipe: the discriminator has its residual connections, the moving average its
half-life of 500,000 images from the start and not 5 % of the images so far, and all arithmetic is
float32 without limits to activations.

Hardware, hours, scores: unknown, not trained here.
"""

from dualcontrast.trainer.config import schema
from dualcontrast.trainer.config.schema import Config

RECIPE = {
    "loss": "non_saturating",
    "augmentation": "ada",
    "augmentation.groups": "bgc",
    "augmentation.target": 0.6,
    "augmentation.speed_images": 500_000,
    "augmentation.every": 4,
    "generator.latent_size": 512,
    "generator.w_size": 512,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 8192,
    "generator.fmap_max": 512,
    "generator.style_mixing_probability": 0.0,
    "generator.path_length_weight": 0.0,
    "discriminator.fmap_base": 8192,
    "discriminator.fmap_max": 512,
    "discriminator.minibatch_stddev_group": 32,
    "penalties.r1_gamma": 0.01,
    "penalties.r1_every": 16,
    "schedule.generator.learning_rate": 0.0025,
    "schedule.discriminator.learning_rate": 0.0025,
    "schedule.average.half_life_images": 500_000,
    "data.resolution": 32,
    "data.channels": 3,
    "data.mirror": False,
    "training.batch_size": 64,
    "training.total_images": 100_000_000,
    "training.precision": "float32",
}


def get_config() -> Config:
    """The recipe that is called `cifar`."""
    return schema.replace(Config(), RECIPE)
