"""Classifiers of attributes: a network of the user's, or lines that are trained here."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import attribute_classifier, image_set
from dualcontrast.trainer.features.extractor import Extraction, Extractor, Features


def corners() -> Extractor:
    """Brightness, a pixel, and a number that never varies."""

    def compute(images):
        x = tf.cast(images, tf.float32)
        mean = tf.reduce_mean(x, axis=[1, 2, 3])[:, None]
        return tf.concat([mean, x[:, 0, 0, :1], tf.ones_like(mean)], axis=1), None

    return Extractor("corners", "0" * 64, "none", compute)


@pytest.fixture(name="trained", scope="module")
def _trained(labelled):
    """On 48 dark cats, 44 bright eels; 4 dogs between, and no fox."""
    images = image_set.of_dataset(labelled, None, 96)
    return images, attribute_classifier.train(images, corners(), batch_size=16)


def test_of_two_classes_the_second_is_the_attribute(trained):
    images, classifier = trained
    pixels, labels = np.concatenate(list(images.read())), images.labels()
    logits = classifier.logits(Extraction(corners(), 16)(pixels))
    assert classifier.attributes == ("eel",) and logits.shape == (96, 1)
    assert (logits[labels == 2] > 0).all() and (logits[labels == 0] < 0).all()


def test_it_says_what_it_reached_on_images_that_it_has_not_seen(trained):
    about = trained[1].protocol()
    assert about["classes"] == ["cat", "eel"] and about["left_out"] == ["dog", "fox"]
    # A fifth of 92, of which 10 of 19 are cats.
    assert about["held_out"] == 19 and about["accuracy"] == 1
    assert about["accuracy_by_guessing"] == pytest.approx(10 / 19)
    assert "accuracy 100.0 % on 19 images held out, by guessing 52.6 %" in trained[1].note
    assert about["name"] == "linear on corners" and about["data"]["count"] == 96


def test_of_several_classes_each_is_told_from_the_rest(write_labelled, tmp_path):
    # Brightness alone tells the darkest and the brightest third, and their pixel the middle one.
    labels = np.arange(60) % 3
    pixels = np.full((60, 8, 8, 3), 40, np.uint8) + (80 * (labels == 2))[:, None, None, None]
    pixels[labels == 1, 0, 0, 0] = 250
    noise = np.random.default_rng(0).integers(0, 5, pixels.shape)
    data = write_labelled(
        tmp_path / "data", (pixels + noise).astype(np.uint8), labels, ("low", "spot", "high")
    )
    images = image_set.of_dataset(data, None, 60)
    classifier = attribute_classifier.train(images, corners(), batch_size=16)
    found = Extraction(corners(), 16)(np.concatenate(list(images.read())))
    assert classifier.attributes == ("low", "spot", "high")
    np.testing.assert_array_equal(classifier.logits(found).argmax(axis=1), labels)
    assert classifier.about["accuracy"] == 1


def test_labels_at_random_are_told_as_well_as_by_guessing(write_labelled, tmp_path):
    random = np.random.default_rng(3)
    pixels = random.integers(0, 256, (300, 8, 8, 3), np.uint8)
    data = write_labelled(tmp_path / "data", pixels, random.integers(0, 2, 300), ("a", "b"))
    images = image_set.of_dataset(data, None, 300)
    about = attribute_classifier.train(images, corners(), batch_size=16).about
    assert abs(about["accuracy"] - 0.5) < 0.2


def test_logits_of_a_network_come_before_its_features():
    classifier = attribute_classifier.of_network(corners())
    table, logits = np.ones([2, 3], np.float32), np.zeros([2, 1], np.float32)
    assert classifier.logits(Features(table, logits)) is logits
    assert classifier.logits(Features(table)) is table


def test_what_nothing_can_be_learnt_from_is_refused(write_labelled, tmp_path):
    pixels = np.zeros((24, 8, 8, 3), np.uint8)
    alike = write_labelled(tmp_path / "alike", pixels, np.arange(24) // 21, ("cat", "dog"))
    plain = dataclasses.replace(alike, classes=())
    with pytest.raises(UserError, match="alike has no labels: convert"):
        attribute_classifier.check(image_set.of_dataset(plain, None, 24))
    with pytest.raises(UserError, match="received 21 of cat and 3 others"):
        attribute_classifier.check(image_set.of_dataset(alike, None, 24))
