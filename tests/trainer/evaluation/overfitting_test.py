"""Logits of features are those of the discriminator itself, whatever its family."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.layers.attention.reference_attention import ReferenceAttention
from dualcontrast.layers.sngan import dcgan_discriminator
from dualcontrast.layers.sngan import discriminator as sngan
from dualcontrast.layers.stylegan2.discriminator import Discriminator
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import gather, image_set, overfitting
from dualcontrast.trainer.features import discriminator

BATCH = 4
SMALL = {"fmap_base": 32, "fmap_max": 4}


def contrad():
    return dcgan_discriminator.DCGANDiscriminator(8, width=2, head_width=6, projection_size=3)


def projection():
    return sngan.Discriminator(32, width=2, classes=4)


def siamese():
    attention = ReferenceAttention(patch_size=3, reduction=2, sharing=2)
    return Discriminator(8, attention=attention, classes=4, **SMALL)


@pytest.mark.parametrize("make", [contrad, projection, siamese])
def test_logits_are_those_of_the_whole_network(make, labelled):
    keras.utils.set_random_seed(1)
    network = make()
    network.build()
    reals = image_set.of_dataset(labelled, 14, 14)
    side = network.resolution
    pixels = np.concatenate(list(reals.read())).repeat(side // 8, 1).repeat(side // 8, 2)
    images = image_set.ImageSet(
        "images", 14, side, 3, {}, lambda: iter([pixels]), reals.classes, reals.labels
    )
    references = pixels[::-1][:6] if network.takes_references else None
    need = gather.Need(discriminator.load(network, "digest", references), BATCH, whole_batches=True)
    features = gather.gather(images, {"d": need}, lambda count: None)["d"].table
    found = overfitting.Judge(network, BATCH).logits(features, images)
    assert found.shape == (3, BATCH)  # 14 images are three whole batches
    for place, logits in enumerate(found):
        chosen = np.arange(place * BATCH, (place + 1) * BATCH)
        how = {"labels": tf.constant(reals.labels()[chosen])} if network.classes else {}
        if references is not None:
            how["references"] = discriminator.to_float(tf.constant(references[chosen % 6]))
        expected = network(discriminator.to_float(tf.constant(pixels[chosen])), **how)
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-6)
    assert np.ptp(found) > 1e-4


def test_images_that_cannot_be_judged_are_refused(labelled, write_labelled, tmp_path):
    random = np.random.default_rng(9).integers(0, 256, (12, 8, 8, 3), np.uint8)
    labels, names = np.zeros(12, int), ("cat", "hen")
    named = write_labelled(tmp_path / "named", random, labels, names)
    large = write_labelled(tmp_path / "large", random.repeat(2, 1).repeat(2, 2), labels, names)
    plain = dataclasses.replace(named, classes=())
    train, plain, large, named = (
        image_set.of_dataset(found, None, 96) for found in (labelled, plain, large, named)
    )
    classes = train.classes
    overfitting.check("run", (), train, plain, 6)
    with pytest.raises(UserError, match="has the images of --data"):
        overfitting.check("run", (), train, image_set.of_dataset(labelled, 20, 96), 4)
    with pytest.raises(UserError, match="has images of 16x16x3"):
        overfitting.check("run", (), train, large, 4)
    with pytest.raises(UserError, match="needs two batches of 7 images, .* has 12"):
        overfitting.check("run", (), train, plain, 7)
    with pytest.raises(UserError, match="--validation=.*named has no labels"):
        overfitting.check("run", classes, train, plain, 4)
    with pytest.raises(UserError, match="number 1 is hen there and dog here"):
        overfitting.check("run", classes, train, named, 4)


def test_images_that_the_run_did_not_learn_from_are_said(labelled):
    train = image_set.of_dataset(labelled, None, 96)
    assert overfitting.warning(train, train.protocol["sha256"]) == ""
    assert "did not learn from --data=" in overfitting.warning(train, ["ab" * 32])
    assert "does not say" in overfitting.warning(train, None)
