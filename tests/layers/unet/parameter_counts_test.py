"""The sizes of the U-Nets' discriminators, to the last unit.

The one upon BigGAN's is what Schonfeld's program computes with, which also makes 65 numbers that no
image reaches, a layer from 64 features to a logit; they are not here. The one upon StyleGAN2's is
counted by hand.
"""

import math

import pytest
import tensorflow as tf

from dualcontrast.layers.unet import discriminator, stylegan2_discriminator


@pytest.mark.parametrize("side, expected", [(128, 31_481_602), (256, 44_067_586)])
def test_without_classes(side, expected):
    network = discriminator.Discriminator(side)
    with tf.Graph().as_default():  # nothing is drawn: drawing would take most of the time
        network.build()
        found = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    assert found == expected
    assert found + 65 == {128: 31_481_667, 256: 44_067_651}[side]


# Of StyleGAN2's discriminator, config E at 256: the official graph's.
STYLEGAN2 = 24_001_089


@pytest.mark.parametrize("classes", [0, 10])
def test_on_stylegan2s_networks(classes):
    # A block: 3x3 convolutions of both maps together and of what they make, with biases, and 1x1
    # without, from the maps of the side above to min(512, 2 * 8192 / side) of its own.
    of_decoder = sum(
        9 * (below + own) * own + own + 9 * own * own + own + below * own
        for below, own in ((512, 512), (512, 512), (512, 512), (512, 256), (256, 128), (128, 64))
    )
    assert of_decoder == 25_292_672
    expected = STYLEGAN2 + of_decoder + 64 + 1
    if classes:
        # For both logits: as many numbers as are multiplied, an embedding and eight layers.
        expected += sum(
            n * (n + 1) - (n + 1) + (classes + 1) * n + 8 * n * (n + 1) for n in (512, 64)
        )
    network = stylegan2_discriminator.StyleGAN2Discriminator(256, classes=classes)
    with tf.Graph().as_default():
        network.build()
        found = sum(math.prod(variable.shape) for variable in network.variables)
    assert found == expected
