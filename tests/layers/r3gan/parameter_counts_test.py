"""The sizes of the published networks, to the last unit."""

import math

import pytest
import tensorflow as tf

from dualcontrast.layers.r3gan import discriminator, generator

# The lists of the authors' presets: channels from 4x4 on, and the cardinality of their blocks.
CIFAR = [768] * 4, [96] * 4
FFHQ_64 = [768] * 4 + [384], [96] * 4 + [48]
FFHQ_256 = [768] * 4 + [384, 192, 96], [96] * 4 + [48, 24, 12]
IMAGENET_32, IMAGENET_64 = ([1536] * 4, [96] * 4), ([1536] * 5, [96] * 5)
OF_IMAGENET = {"fmap_base": 49_152, "fmap_max": 1536, "group_width": 32, "classes": 1000}


def size(network) -> int:
    """Trainable numbers. Nothing is drawn: drawing would take most of the time."""
    with tf.Graph().as_default():
        network.build()
        return sum(math.prod(variable.shape) for variable in network.trainable_variables)


def expected(lists, classes) -> tuple[int, int]:
    """Both sizes, from the lists: two blocks a resolution, twice as wide inside, z of 64."""
    trunk = 0
    for width, groups in zip(*lists):
        inside = 2 * width
        kernels = width * inside + 9 * (inside // groups) * inside + inside * width
        trunk += 2 * (kernels + 2 * inside)
    steps = zip(lists[0], lists[0][1:])
    trunk += sum(one * other for one, other in steps if one != other)
    first, last = lists[0][0], lists[0][-1]
    trunk += 16 * first + 3 * last  # a basis, and to or from the image
    with_classes = bool(classes)
    of_generator = trunk + 64 * (1 + with_classes) * first + 64 * classes
    return of_generator, trunk + (first if classes else 1) * first + first * classes


@pytest.mark.parametrize(
    "side, lists, how, sizes",
    [
        (32, CIFAR, {"classes": 10}, (20_781_952, 21_280_512)),
        (64, FFHQ_64, {}, (22_429_824, 22_381_440)),
        (256, FFHQ_256, {}, (23_057_952, 23_009_568)),
        (32, IMAGENET_32, OF_IMAGENET, (82_914_304, 86_548_992)),
        (64, IMAGENET_64, OF_IMAGENET, (103_570_432, 107_205_120)),
    ],
    ids=["CIFAR-10", "FFHQ 64", "FFHQ 256", "ImageNet 32", "ImageNet 64"],
)
def test_the_published_networks(side, lists, how, sizes):
    assert expected(lists, how.get("classes", 0)) == sizes
    found = generator.Generator(side, **how), discriminator.Discriminator(side, **how)
    assert tuple(map(size, found)) == sizes


@pytest.mark.parametrize(
    "sizes, gigabytes", [((82_914_304, 86_548_992), 2.37), ((103_570_432, 107_205_120), 2.94)]
)
def test_the_published_files_have_room_for_these_and_nothing_more(sizes, gigabytes):
    # Of ImageNet at 32 and 64, as huggingface.co/brownvc lists them: G, its average, D, and Adam's
    # two slots of G and D, in float32.
    of_generator, of_discriminator = sizes
    numbers = 4 * of_generator + 3 * of_discriminator
    assert round(4 * numbers / 1e9, 2) == pytest.approx(gigabytes, abs=0.011)


@pytest.mark.parametrize("side, lists", [(32, CIFAR), (64, FFHQ_64), (256, FFHQ_256)])
def test_widths_and_groups_are_those_of_the_presets(side, lists):
    stages = generator.Generator(side)._stages
    assert [stages.width(one) for one in stages.sides] == lists[0]
    with tf.Graph().as_default():
        assert [stages.make(one, "float32")[0].groups for one in stages.sides] == lists[1]
