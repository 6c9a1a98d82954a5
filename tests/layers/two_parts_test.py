"""Generators that AdvAug can take apart: the first layer and the rest make the images of both."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.config import families, section
from dualcontrast.trainer.config.families import biggan, sagan, sngan

SMALL = {
    "resnet": (sngan.Generator(latent_size=4, width=2), section.Images(32, 3, 3)),
    "dcgan": (
        sngan.Generator(architecture="dcgan", latent_size=4, width=2),
        section.Images(8, 3),
    ),
    "biggan": (
        biggan.Generator(latent_size=4, width=2, attention_resolution=8),
        section.Images(32, 3, 3),
    ),
    "sagan": (
        sagan.Generator(latent_size=4, width=2, attention_resolution=8),
        section.Images(32, 3, 3),
    ),
}


def test_every_family_that_says_so_is_here():
    # By the family that a generator is of: some have that of another one.
    generators = [families.find(name, "generator") for name in families.names()]
    said = {kind().family for kind in generators if kind.in_two_parts}
    assert said == {fields.family for fields, _ in SMALL.values()}


@pytest.mark.parametrize("name", SMALL)
def test_the_parts_make_the_images_of_the_whole(name):
    keras.utils.set_random_seed(0)
    fields, images = SMALL[name]
    network = fields.make(images)
    network.build()
    inputs = {"z": tf.random.stateless_normal([6, 4], [0, 1])}
    if images.classes:
        inputs["labels"] = tf.constant([0, 1, 2, 2, 1, 0], tf.int64)
    before = [variable.numpy() for variable in network.variables]
    features = network.features(inputs)
    found = network.images_of(features, inputs)
    np.testing.assert_allclose(found, network.images(inputs), atol=1e-6)
    # By the moments of the batch that it is given, and with no trace of it.
    half = network.images_of(features[:3], {key: x[:3] for key, x in inputs.items()})
    assert np.abs(half - found[:3]).max() > 1e-3
    for variable, old in zip(network.variables, before):
        np.testing.assert_array_equal(variable, old)
