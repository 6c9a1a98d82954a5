"""The sizes of SNGAN's networks, to the last unit: those of Miyato's program."""

import math

import pytest
import tensorflow as tf

from dualcontrast.layers.sngan import (
    dcgan_discriminator,
    dcgan_generator,
    discriminator,
    generator,
)


def size(network) -> int:
    """Trainable numbers. Nothing is drawn: drawing would take most of the time."""
    with tf.Graph().as_default():
        network.build()
        return sum(math.prod(variable.shape) for variable in network.trainable_variables)


@pytest.mark.parametrize(
    "resolution, of_generator, of_discriminator",
    [
        (32, 4_276_739, 1_053_824),
        (64, 12_220_675, 10_141_441),
        (128, 32_150_787, 29_017_857),
        (256, 37_135_107, 34_000_129),
    ],
)
def test_the_residual_networks(resolution, of_generator, of_discriminator):
    assert size(generator.Generator(resolution)) == of_generator
    assert size(discriminator.Discriminator(resolution)) == of_discriminator


def test_the_convolutional_networks_at_32():
    assert size(dcgan_generator.DCGANGenerator(32)) == 3_828_739
    # The convolutions, and a weight for each of 8192 features with a bias.
    assert size(dcgan_discriminator.DCGANDiscriminator(32)) == 5_852_672 + 8_193
