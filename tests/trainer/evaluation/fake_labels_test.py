"""How the classes of generated images are drawn."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import fake_labels, image_set
from dualcontrast.trainer.evaluation.fake_labels import Frequencies

NAMES = ("cat", "dog", "eel", "fox")


def numbers(first: int, count: int) -> tf.Tensor:
    return tf.range(first, first + count, dtype=tf.int64)


def test_a_label_is_a_function_of_the_number_alone():
    frequencies = Frequencies("data", (5, 0, 2, 1))
    whole = frequencies.labels(numbers(2**32, 40)).numpy()
    alone = [int(frequencies.labels(numbers(2**32 + i, 1))[0]) for i in (0, 17, 39)]
    assert alone == [whole[i] for i in (0, 17, 39)]
    assert (frequencies.labels(tf.reverse(numbers(2**32, 40), [0])).numpy() == whole[::-1]).all()
    assert (frequencies.labels(numbers(0, 40)).numpy() != whole).any()  # another seed


def test_classes_are_as_frequent_as_they_are_to_be():
    found = np.bincount(Frequencies("data", (5, 0, 2, 1)).labels(numbers(0, 4000)), minlength=4)
    assert found[1] == 0
    # 4000 draws of probability p have the deviation sqrt(4000 p (1 - p)), 31 at most: 5 of them.
    np.testing.assert_allclose(found, [2500, 0, 1000, 500], atol=155)
    assert set(fake_labels.only(2, 4).labels(numbers(7, 50)).numpy()) == {2}


def test_those_of_the_reals_are_those_of_the_images_that_are_compared(labelled):
    reals = image_set.of_dataset(labelled, None, 50)
    assert fake_labels.of_reals(reals) == Frequencies("data", (34, 0, 16, 0))
    assert fake_labels.choose("run", NAMES, reals, None) == Frequencies("data", (34, 0, 16, 0))
    assert fake_labels.choose("run", NAMES, reals, "uniform") == Frequencies("uniform", (1,) * 4)
    assert image_set.of_dataset(labelled, 96, 96).labels().shape == (96,)


def test_without_labelled_images_all_are_alike_and_it_is_said(dataset, capsys):
    reals = image_set.of_dataset(dataset, None, 50)
    assert reals.classes == () and reals.labels is None
    for images in (reals, None):
        assert fake_labels.choose("run", NAMES, images, None).source == "uniform"
    said = capsys.readouterr().out
    assert f"{reals.name} has no labels: all classes are drawn alike\n" in said
    assert "there are no labelled images: all" in said
    fake_labels.choose("run", NAMES, reals, "uniform")
    assert capsys.readouterr().out == ""


def test_a_generator_without_classes_is_measured_as_ever(labelled):
    reals = image_set.of_dataset(labelled, None, 50)
    assert fake_labels.choose("run", (), reals, None) is None
    with pytest.raises(UserError, match="--fake_labels=data: run has no classes"):
        fake_labels.choose("run", (), reals, "data")


def test_what_cannot_be_compared_is_refused(labelled, dataset):
    reals = image_set.of_dataset(labelled, None, 50)
    with pytest.raises(UserError, match="number 1 is dog there and hen here"):
        fake_labels.choose("run", ("cat", "hen", "eel", "fox"), reals, "uniform")
    with pytest.raises(UserError, match="has 4 classes, run 3: number 3 is fox there and none"):
        fake_labels.choose("run", NAMES[:3], reals, None)
    with pytest.raises(UserError, match="--fake_labels=data: .* has no labels: expected uniform"):
        fake_labels.choose("run", NAMES, image_set.of_dataset(dataset, 9, 9), "data")


@pytest.mark.parametrize(
    "name, line",
    [
        ("a cat", "a cat"),
        ("two\nlines", r"'two\nlines'"),
        ("no \udcff text", r"'no \udcff text'"),
        ("a" * 41, "a" * 37 + "..."),
    ],
)
def test_a_name_is_told_in_a_line(name, line):
    assert fake_labels.shown(name) == line


def test_a_label_beyond_the_classes_is_named(labelled):
    fewer = dataclasses.replace(labelled, classes=labelled.classes[:2])
    with pytest.raises(UserError, match="has an image of class 2, its manifest 2 classes"):
        image_set.of_dataset(fewer, 50, 50).labels()
