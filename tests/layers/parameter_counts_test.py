"""The sizes of StyleGAN2's networks, to the last unit."""

import math

import pytest

from dualcontrast.layers.attention import dfn, reference_attention, sagan, san, vt
from dualcontrast.layers.stylegan2 import discriminator, generator

# resolution, fmap_base (8192: config E, 16384: config F), trainables of the generator and of the
# discriminator, elements of the noise maps. Counted in the official graph.
NETWORKS = [
    (32, 8192, 21_523_475, 21_507_073, 2_704),
    (64, 8192, 23_819_544, 23_407_361, 10_896),
    (128, 8192, 24_525_213, 23_882_369, 43_664),
    (256, 8192, 24_767_458, 24_001_089, 174_736),
    (1024, 8192, 24_900_764, 24_038_161, 2_796_176),
    (32, 16384, 21_523_475, 21_507_073, 2_704),
    (64, 16384, 27_032_600, 26_488_833, 10_896),
    (128, 16384, 29_328_669, 28_389_121, 43_664),
    (256, 16384, 30_034_338, 28_864_129, 174_736),
    (1024, 16384, 30_370_060, 29_012_513, 2_796_176),
]
MAPPING = 2_101_248


def _size(variables) -> int:
    return sum(math.prod(v.shape) for v in variables)


@pytest.mark.parametrize("resolution, fmap_base, expected, _, noise", NETWORKS)
def test_the_generator_has_the_size_of_stylegan2(resolution, fmap_base, expected, _, noise):
    network = generator.Generator(resolution, fmap_base=fmap_base)
    network.build()
    layers = int(math.log2(resolution)) * 2 - 2
    sides = [layer.noise.shape[1] for layer in network.synthesis.layers]
    assert _size(network.mapping.trainable_variables) == MAPPING
    assert _size(network.synthesis.trainable_variables) == expected - MAPPING
    assert _size(network.trainable_variables) == expected
    assert network.synthesis.latents == layers
    assert sides == [2 ** ((i + 5) // 2) for i in range(layers - 1)]
    assert sides == network.synthesis.noise_sides
    assert _size(network.synthesis.non_trainable_variables) == noise
    # The rest is the mean of w. StyleGAN2 counts one more, the level of detail.
    assert _size(network.variables) == expected + noise + 512


@pytest.mark.parametrize("resolution, fmap_base, _, expected, noise", NETWORKS)
def test_the_discriminator_has_the_size_of_stylegan2(resolution, fmap_base, _, expected, noise):
    network = discriminator.Discriminator(resolution, fmap_base=fmap_base)
    network.build()
    assert _size(network.trainable_variables) == expected
    assert _size(network.variables) == expected


def test_config_e_at_256_has_48_77_million_trainables_in_all():
    _, _, of_generator, of_discriminator, noise = NETWORKS[3]
    assert of_generator + of_discriminator == 48_768_547
    assert of_generator + noise + 512 == 24_942_706


@pytest.mark.parametrize("channels, fewer", [(1, 2), (4, -1)])
def test_another_number_of_channels_changes_only_the_ends(channels, fewer):
    # ToRGB at each of 4 resolutions: 512 weights and a bias a channel. FromRGB: 512 weights.
    grey_g, grey_d = generator.Generator(32, channels), discriminator.Discriminator(32, channels)
    grey_g.build()
    grey_d.build()
    assert _size(grey_g.trainable_variables) == 21_523_475 - fewer * 4 * 513
    assert _size(grey_d.trainable_variables) == 21_507_073 - fewer * 512


@pytest.mark.parametrize(
    "attention, in_both, total",
    [
        (san.SAN(), False, 48_431_651),  # the paper's 48.43 million
        (san.SAN(15, reduction=8, sharing=8), True, 48_430_115),  # likewise
        (sagan.SAGAN(), False, 46_736_932),
        (dfn.DFN(), False, 49_035_811),
        (vt.VT(), False, 52_446_755),
    ],
    ids=["san", "san in both", "sagan", "dfn", "vt"],
)
def test_both_networks_at_256_with_attention_in_the_generator(attention, in_both, total):
    network = generator.Generator(256, attention=attention, attention_in_both=in_both)
    network.build()
    assert _size(network.trainable_variables) + NETWORKS[3][3] == total


def test_reference_attention_makes_the_discriminator_smaller():
    attention = reference_attention.ReferenceAttention()
    network = discriminator.Discriminator(256, attention=attention)
    network.build()
    assert _size(network.trainable_variables) == NETWORKS[3][3] - 336_896
