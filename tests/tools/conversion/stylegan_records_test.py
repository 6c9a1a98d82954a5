"""StyleGAN's TFRecords, as TensorFlow writes them."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dualcontrast.tools.conversion import labels
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import kinds
from dualcontrast.trainer.data import records
from dualcontrast.trainer.errors import UserError


def example(image: np.ndarray) -> bytes:
    shape = tf.train.Feature(int64_list=tf.train.Int64List(value=image.shape))
    data = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()]))
    features = tf.train.Features(feature={"shape": shape, "data": data})
    return tf.train.Example(features=features).SerializeToString()


def write(path, images) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for image in images:
            writer.write(example(image))


@pytest.fixture
def images():
    """Six images, [channels, height, width] as StyleGAN has them."""
    return np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)


@pytest.fixture
def folder(images, tmp_path):
    """Two of the resolutions of a dataset, and its labels, one-hot."""
    write(tmp_path / "ffhq-r02.tfrecords", images[:, :, ::2, ::2])
    write(tmp_path / "ffhq-r03.tfrecords", images)
    one_hot = np.eye(4, dtype=np.float32)[[3, 0, 0, 1, 3, 0]]
    with open(tmp_path / "ffhq-rxx.labels", "wb") as file:
        np.save(file, one_hot)
    return tmp_path


def test_a_feature_of_decimals_is_no_list_of_numbers():
    decimals = tf.train.Feature(float_list=tf.train.FloatList(value=[0.5, 2.0]))
    features = tf.train.Features(feature={"shape": decimals})
    with pytest.raises(ValueError, match="decimals"):
        records.decode_features(tf.train.Example(features=features).SerializeToString())


@pytest.mark.parametrize("channels", [1, 3])
def test_one_resolution_is_read(folder, images, channels):
    write(folder / "ffhq-r03.tfrecords", images[:, :channels])
    source = kinds.open_source(str(folder / "ffhq-r03.tfrecords"))
    entries = source.listing().entries
    assert [entry.name for entry in entries] == [f"ffhq-r03.tfrecords/{n}" for n in range(6)]
    for image, opener in zip(images[::-1], source.openers(entries[::-1]), strict=True):
        received = np.atleast_3d(np.asarray(Image.open(opener())))
        np.testing.assert_array_equal(received, image[:channels].transpose(1, 2, 0))


def test_a_folder_of_several_resolutions_is_refused_with_their_names(folder):
    with pytest.raises(UserError, match="ffhq-r02.tfrecords, ffhq-r03.tfrecords(.|\n)*ffhq-r03"):
        kinds.open_source(str(folder))
    (folder / "ffhq-r02.tfrecords").unlink()
    assert len(kinds.open_source(str(folder)).listing().entries) == 6


@pytest.mark.parametrize("kind", ["one-hot", "numbers"])
def test_labels_are_those_beside_it(folder, kind):
    if kind == "numbers":
        with open(folder / "ffhq-rxx.labels", "wb") as file:
            np.save(file, np.array([3, 0, 0, 1, 3, 0]))
    source = kinds.open_source(str(folder / "ffhq-r03.tfrecords"))
    found = labels.read("label", source, source.listing().entries)
    assert [entry.label for entry in found.entries] == [3, 0, 0, 1, 3, 0]
    assert found.classes == ("0", "1", "2", "3")


WRONG_LABELS = {
    "continuous": (np.full((6, 2), 0.5, np.float32), "its rows are no classes"),
    "too few": (np.eye(4)[:3], "labels of 3 images, and"),
    "none": (np.zeros((6, 0), np.float32), r"it is float32 \[6, 0\]"),
    "objects": (np.array([{}] * 6), "cannot be read"),
    "negative": (np.array([-1] * 6), "negative"),
}


@pytest.mark.parametrize("name", WRONG_LABELS)
def test_labels_that_are_none_are_refused(folder, name):
    array, words = WRONG_LABELS[name]
    with open(folder / "ffhq-rxx.labels", "wb") as file:
        np.save(file, array)
    source = kinds.open_source(str(folder / "ffhq-r03.tfrecords"))
    with pytest.raises(UserError, match=words):
        source.labels("label")
    (folder / "ffhq-rxx.labels").unlink()
    with pytest.raises(UserError, match="there is no .*ffhq-rxx.labels"):
        source.labels("label")


def test_a_file_that_was_cut_is_refused(folder):
    path = folder / "ffhq-r03.tfrecords"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"record 5 \(byte \d+\): the file ends inside it"):
        kinds.open_source(str(path)).listing()


def test_a_damaged_image_is_rejected_and_the_next_is_not(folder, images):
    path = folder / "ffhq-r03.tfrecords"
    source = kinds.open_source(str(path))
    entries = source.listing().entries
    content = bytearray(path.read_bytes())
    content[entries[2].place + 60] ^= 1
    path.write_bytes(content)
    for number, opener in enumerate(source.openers(entries)):
        if number == 2:
            with pytest.raises(Rejected, match="its payload fails its checksum"):
                opener()
        else:
            opener()


def test_records_of_another_kind_are_refused_with_what_they_have(tmp_path):
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x"]))
    features = tf.train.Features(feature={"image/encoded": feature})
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecords")) as writer:
        writer.write(tf.train.Example(features=features).SerializeToString())
    with pytest.raises(UserError, match="its features are image/encoded"):
        kinds.open_source(str(tmp_path / "a.tfrecords")).listing()
