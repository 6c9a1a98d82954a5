"""The sizes of the U-Net's discriminator, to the last unit: what Schonfeld's program computes with.

It also makes 65 numbers that no image reaches, a layer from 64 features to a logit; they are not
here.
"""

import math

import pytest
import tensorflow as tf

from dualcontrast.layers.unet import discriminator


@pytest.mark.parametrize("side, expected", [(128, 31_481_602), (256, 44_067_586)])
def test_without_classes(side, expected):
    network = discriminator.Discriminator(side)
    with tf.Graph().as_default():  # nothing is drawn: drawing would take most of the time
        network.build()
        found = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    assert found == expected
    assert found + 65 == {128: 31_481_667, 256: 44_067_651}[side]
