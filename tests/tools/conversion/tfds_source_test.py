"""Images and labels of TensorFlow Datasets, from a small dataset that is prepared here."""

import io

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from dualcontrast.trainer.data import manifest, records

COUNT = 20
KINDS = ["ox", "cat", "dog", "owl"]
KNOWN = "those with: tfds:half, tfds:kind."
# Arguments, and words of the refusal.
WRONG = {
    "no split": (["tfds:toy:test"], ["no split 'test'", "train"]),
    "no dataset": (["tfds:tyo"], ["tyo"]),
    "no images": (["tfds:blind"], ["0 image features"]),
    "no feature": (["tfds:toy", "tfds:kinds"], ["tfds:kinds is no feature of toy", KNOWN]),
    "no class": (["tfds:toy", "tfds:number"], ["tfds:number is a feature without", KNOWN]),
    "unlabelled": (["tfds:toy", "tfds:half"], ["10 of 20 images have no label", "toy/train/1"]),
    "folders": (["tfds:toy", "folders"], ["--labels=folders is for folders and archives"]),
}


@pytest.fixture(scope="module")
def prepared(bench, tmp_path_factory):
    """A data folder with a dataset of 20 images, and one that has no images."""
    folder = tmp_path_factory.mktemp("tfds")
    numbers = np.arange(COUNT)
    values = {
        "number": numbers,
        "kind": numbers % 3,
        "half": np.where(numbers % 2, -1, 0),  # -1 is no label.
    }
    kinds = {
        "number": tfds.features.Scalar(np.int64),
        "kind": tfds.features.ClassLabel(names=KINDS),
        "half": tfds.features.ClassLabel(num_classes=2),
    }
    images = np.stack([bench.pixels(number) for number in numbers])
    picture = tfds.features.Image(shape=(16, 16, 3))
    for name, more, more_kinds in (
        ("toy", {"picture": images}, {"picture": picture}),
        ("blind", {}, {}),
    ):
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(kinds | more_kinds),
            split_datasets={"train": tf.data.Dataset.from_tensor_slices(values | more)},
            data_dir=str(folder),
            disable_shuffling=True,
        )
    return folder


@pytest.fixture(scope="module")
def answers(bench, prepared, tmp_path_factory):
    """The folder of two conversions, without and with labels, and what all calls answered."""
    folder = tmp_path_factory.mktemp("made")
    requests = {
        "plain": ["tfds:toy"],
        "labelled": ["tfds:toy:train", "tfds:kind"],
        **{name: arguments for name, (arguments, _) in WRONG.items()},
    }
    calls = []
    for name, (source, *labels) in requests.items():
        calls.append([f"--source={source}", f"--dest={folder / name}", "--shards=3", "--workers=1"])
        calls[-1] += [f"--labels={feature}" for feature in labels]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(prepared))
        return folder, dict(zip(requests, bench.calls("convert", *calls)))


@pytest.mark.parametrize("name", ["plain", "labelled"])
def test_images_are_converted_in_stored_order(bench, answers, name):
    folder, done = answers
    assert done[name][0] == 0, done[name]
    stored = bench.stored(manifest.open_dataset(folder / name))
    assert list(stored) == [f"toy/train/{number}" for number in range(COUNT)]
    for number, data in enumerate(stored.values()):
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(data))), bench.pixels(number)
        )


def test_labels_are_those_of_the_feature_with_its_names(answers):
    folder, done = answers
    made = manifest.open_dataset(folder / "labelled")
    found = [
        records.label_of(record.payload)
        for shard in made.shards
        for record in records.read(made.path(shard))
    ]
    assert found == [number % 3 for number in range(COUNT)]
    counts = dict(zip(KINDS, (7, 7, 6, 0)))
    assert made.classes == tuple(manifest.Category(*pair) for pair in counts.items())
    assert "4 classes of 0 to 7 images" in done["labelled"][1]
    assert manifest.open_dataset(folder / "plain").classes == ()


@pytest.mark.parametrize("name, words", [(name, words) for name, (_, words) in WRONG.items()])
def test_what_is_not_there_is_refused(answers, name, words):
    folder, done = answers
    code, _, error = done[name]
    assert code == 2
    assert [word for word in ["error", *words] if word not in error] == []
    assert not (folder / name).exists()
