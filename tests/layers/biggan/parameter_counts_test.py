"""The sizes of BigGAN's networks, to the last unit: those that Brock's program has."""

import math

import pytest
import tensorflow as tf

from dualcontrast.layers.biggan import discriminator, generator


def size(network) -> int:
    """Trainable numbers. Nothing is drawn: drawing would take most of the time."""
    with tf.Graph().as_default():
        network.build()
        return sum(math.prod(variable.shape) for variable in network.trainable_variables)


@pytest.mark.parametrize(
    "side, attention, latent_size, of_generator, of_discriminator",
    [
        (64, 32, 120, 31_969_540, 20_571_842),
        (128, 64, 120, 70_433_988, 87_982_370),
        (256, 64, 140, 82_235_844, 99_225_890),
    ],
)
def test_with_the_classes_of_imagenet(side, attention, latent_size, of_generator, of_discriminator):
    how = {"classes": 1_000, "attention_resolution": attention}
    assert size(generator.Generator(side, latent_size=latent_size, **how)) == of_generator
    assert size(discriminator.Discriminator(side, **how)) == of_discriminator


# Of the generators that Schonfeld et al. 2020 train on FFHQ and CelebA.
@pytest.mark.parametrize("side, of_generator", [(128, 33_732_739), (256, 39_043_203)])
def test_without_classes(side, of_generator):
    assert size(generator.Generator(side, latent_size=128, width=64)) == of_generator
