"""Images of TensorFlow Datasets, from a small dataset that is prepared here."""

import io

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image


@pytest.fixture(scope="module")
def prepared(bench, tmp_path_factory):
    """A data folder with a dataset of 20 images, and one that has no images."""
    folder = tmp_path_factory.mktemp("tfds")
    images = np.stack([bench.pixels(number) for number in range(20)])
    numbers = np.arange(20)
    for name, values, kind in (
        ("toy", {"picture": images, "number": numbers}, tfds.features.Image(shape=(16, 16, 3))),
        ("blind", {"number": numbers}, None),
    ):
        features = {"number": tfds.features.Scalar(np.int64)}
        features |= {"picture": kind} if kind else {}
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets={"train": tf.data.Dataset.from_tensor_slices(values)},
            data_dir=str(folder),
            disable_shuffling=True,
        )
    return folder


@pytest.mark.parametrize("name", ["tfds:toy", "tfds:toy:train"])
def test_images_are_converted_in_stored_order(bench, prepared, tmp_path, name):
    arguments = [f"--source={name}", f"--dest={tmp_path / 'data'}", "--shards=3", "--workers=1"]
    done = bench.run("convert", *arguments, TFDS_DATA_DIR=str(prepared))
    assert done.returncode == 0, done.stderr
    from dualcontrast.trainer.data import manifest

    stored = bench.stored(manifest.open_dataset(tmp_path / "data"))
    assert list(stored) == [f"toy/train/{number}" for number in range(20)]
    for number, data in enumerate(stored.values()):
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(data))), bench.pixels(number)
        )


@pytest.mark.parametrize(
    "name, words",
    [
        ("tfds:toy:test", ["no split 'test'", "train"]),
        ("tfds:tyo", ["tyo"]),
        ("tfds:blind", ["0 image features"]),
    ],
)
def test_what_is_not_there_is_refused(bench, prepared, tmp_path, name, words):
    arguments = [f"--source={name}", f"--dest={tmp_path / 'data'}"]
    done = bench.run("convert", *arguments, TFDS_DATA_DIR=str(prepared))
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert [word for word in ["error", *words] if word not in last] == []
    assert not (tmp_path / "data").exists()
