"""The sizes of networks with the 1,000 classes of ImageNet at 128x128, to the last unit."""

import math

import pytest
import tensorflow as tf

from dualcontrast.layers.sagan import discriminator, generator
from dualcontrast.layers.sngan import discriminator as sngan_discriminator
from dualcontrast.layers.sngan import generator as sngan_generator

CLASSES = 1_000


def size(network) -> int:
    """Trainable numbers. Nothing is drawn: drawing would take most of the time."""
    with tf.Graph().as_default():
        network.build()
        return sum(math.prod(variable.shape) for variable in network.trainable_variables)


def test_sngan_with_projection():
    assert size(sngan_generator.Generator(128, classes=CLASSES)) == 41_996_931
    assert size(sngan_discriminator.Discriminator(128, classes=CLASSES)) == 30_041_857


@pytest.mark.parametrize(
    "side, of_generator, of_discriminator",
    [
        (None, 41_996_931, 39_443_137),
        (32, 42_078_852, 39_463_618),
        (64, 42_017_412, 39_448_258),
    ],
)
def test_sagan_without_attention_and_with_it(side, of_generator, of_discriminator):
    how = {"classes": CLASSES, "attention_resolution": side}
    assert size(generator.Generator(128, **how)) == of_generator
    assert size(discriminator.Discriminator(128, **how)) == of_discriminator


@pytest.mark.parametrize("resolution", [32, 64])
def test_smaller_images_have_the_same_blocks_next_to_them(resolution):
    # The blocks of 128 by their distance from the image: the widest are left out.
    found = [generator.Generator(side, width=2, latent_size=3) for side in (resolution, 128)]
    for network in found:
        network.build()
    small, large = ([block.filters for block in network.blocks] for network in found)
    assert small == large[-len(small) :]
    judges = [discriminator.Discriminator(side, width=2) for side in (resolution, 128)]
    for network in judges:
        network.build()
    small, large = (
        [block.filters for block in network.blocks if block.downsample] for network in judges
    )
    assert small == large[: len(small)]
