"""What the last layer of a discriminator reads."""

import numpy as np
import tensorflow as tf

from dualcontrast.layers.attention.reference_attention import ReferenceAttention
from dualcontrast.layers.stylegan2.discriminator import Discriminator
from dualcontrast.trainer.features import discriminator
from dualcontrast.trainer.features.extractor import Extraction

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), dtype=np.uint8)


def make() -> Discriminator:
    network = Discriminator(16, channels=1, fmap_base=64, fmap_max=8)
    network.build()
    return network


def test_the_last_layer_makes_the_logits_of_them():
    network = make()
    images = discriminator.to_float(tf.constant(IMAGES))
    features = network.features(images)
    assert features.shape == (8, 8)
    np.testing.assert_allclose(network.logit(features)[:, 0], network(images), rtol=1e-6)


def test_the_extractor_takes_the_channels_of_the_run():
    network = make()
    found = Extraction(discriminator.load(network, "digest"), 8)(IMAGES).table
    images = discriminator.to_float(tf.constant(IMAGES))
    np.testing.assert_allclose(found, network.features(images), atol=1e-6)


def siamese() -> Discriminator:
    attention = ReferenceAttention(patch_size=3, reduction=2, sharing=2)
    network = Discriminator(16, channels=1, fmap_base=64, fmap_max=8, attention=attention)
    network.build()
    return network


def test_a_siamese_network_compares_image_i_with_reference_i():
    network, references = siamese(), IMAGES[::-1][:6]
    found = Extraction(discriminator.load(network, "digest", references), 4)(IMAGES[:4], place=4)
    images = discriminator.to_float(tf.constant(IMAGES[:4]))
    # After the last of them comes the first one.
    compared = discriminator.to_float(tf.constant(references[[4, 5, 0, 1]]))
    expected = network.features(images, compared)
    np.testing.assert_allclose(found.table, expected, atol=1e-6)
    others = network.features(images, tf.roll(compared, 1, axis=0))
    assert np.abs(others - expected).max() > 1e-3


def test_other_references_are_another_extractor():
    network = siamese()
    one, two = (discriminator.load(network, "digest", x) for x in (IMAGES[:4], IMAGES[4:]))
    assert one.digest != two.digest != "digest"
