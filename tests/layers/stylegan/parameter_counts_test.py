"""The sizes of the published networks, to the last unit."""

import math

import pytest
import tensorflow as tf

from dualcontrast.layers.stylegan import discriminator, generator


def size(network) -> int:
    """Trainable numbers. Nothing is drawn: drawing would take most of the time."""
    with tf.Graph().as_default():
        network.build()
        return sum(math.prod(variable.shape) for variable in network.trainable_variables)


@pytest.mark.parametrize(
    "side, growing, sizes",
    [
        (128, False, (25_836_931, 22_932_097)),
        (256, False, (26_078_915, 23_042_625)),
        (256, True, (26_086_229, 23_052_353)),
        (1024, True, (26_219_627, 23_087_249)),
    ],
)
def test_the_published_networks(side, growing, sizes):
    found = (
        generator.Generator(side, growing=growing),
        discriminator.Discriminator(side, growing=growing),
    )
    assert tuple(map(size, found)) == sizes
