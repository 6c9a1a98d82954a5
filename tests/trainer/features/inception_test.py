"""The Inception graph: the old resize, a free batch, logits without bias, other files refused."""

import io
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import inception
from dualcontrast.trainer.features.extractor import Extraction

KERNEL = np.random.default_rng(0).standard_normal((1, 1, 3, 2048)).astype(np.float32) / 10
MATRIX = np.random.default_rng(1).standard_normal((2048, 1008)).astype(np.float32) / 100
IMAGES = np.random.default_rng(2).integers(0, 256, (3, 20, 20, 3), dtype=np.uint8)


def graph(size: int = 2048) -> tf.compat.v1.GraphDef:
    """A graph with the names and the fixed batch of the published one, which is 90 MB."""
    with tf.Graph().as_default() as made:
        image = tf.compat.v1.placeholder(tf.float32, [1, 299, 299, 3], name="ExpandDims")
        x = tf.multiply(image - 128.0, 0.0078125, name="Mul")
        x = tf.nn.relu(tf.nn.conv2d(x, KERNEL[..., :size], 16, "SAME", name="conv"), name="relu")
        pool = tf.nn.avg_pool2d(x, 19, 1, "VALID", name="pool_3")
        features = tf.reshape(pool, [1, size], name="pool_3/_reshape")
        kernel = tf.constant(MATRIX[:size], name="softmax/weights")
        logits = tf.matmul(features, kernel, name="softmax/logits/MatMul")
        tf.add(logits, 7.0, name="softmax/logits")
    return made.as_graph_def(add_shapes=True)


def old_graph() -> tf.compat.v1.GraphDef:
    """The same with the normalization of 2015, which TensorFlow has removed since."""
    made = graph()
    values = {"mean": 0.1, "variance": 0.5, "beta": 0.2, "gamma": 3.0}
    for name, value in values.items():
        node = made.node.add(name=name, op="Const")
        node.attr["dtype"].type = tf.float32.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.full(2048, value, np.float32)))
    node = made.node.add(name="old", op="BatchNormWithGlobalNormalization")
    node.input.extend(["conv", *values])
    node.attr["T"].type = tf.float32.as_datatype_enum
    node.attr["variance_epsilon"].f = 0.001
    node.attr["scale_after_normalization"].b = True
    (relu,) = [node for node in made.node if node.name == "relu"]
    relu.input[0] = "old"
    made.versions.producer = 8
    return made


@pytest.fixture(name="file", scope="module")
def _file(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "classify_image_graph_def.pb"
    path.write_bytes(graph().SerializeToString())
    return path


def by_hand(images: np.ndarray, normalize=lambda x: x) -> np.ndarray:
    x = inception.prepare(images).numpy()[:, ::16, ::16].astype(np.float64)
    return np.maximum(normalize(x @ KERNEL[0, 0].astype(np.float64)), 0).mean(axis=(1, 2))


def test_the_resize_is_that_of_tensorflow_1():
    # Pixel i of 8 looks at i * 4 / 8 of 4; past the last pixel there is nothing to mix with.
    row = np.array([0, 1, 2, 3], np.uint8)
    image = np.tile(row[None, None, :, None], [1, 4, 1, 3])
    found = inception.prepare(image, 8).numpy() * 128 + 128
    np.testing.assert_allclose(found[0, 0, :, 0], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3], atol=1e-5)
    np.testing.assert_allclose(found[0, :, 3, 1], [1.5] * 8, atol=1e-5)
    # And shrinking takes every other pixel, without an average.
    found = inception.prepare(image, 2).numpy() * 128 + 128
    np.testing.assert_allclose(found[0, 1, :, 2], [0, 2], atol=1e-5)


def test_pixels_are_brought_to_the_range_of_the_graph():
    image = np.array([0, 128, 255], np.uint8).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(inception.prepare(image, 1)[0, 0, 0], [-1, 0, 127 / 128])


def test_features_and_logits_are_those_of_the_graph_for_any_number_of_images(file):
    found = Extraction(inception.load(str(file)), 3)(IMAGES)
    np.testing.assert_allclose(found.table, by_hand(IMAGES), rtol=1e-4, atol=1e-7)
    # The bias of 7 is left out.
    np.testing.assert_allclose(found.logits, by_hand(IMAGES) @ MATRIX, atol=1e-4)
    alone = Extraction(inception.load(str(file)), 1)(IMAGES)
    np.testing.assert_allclose(found.table, alone.table, rtol=1e-6)


def test_a_half_pixel_resize_gives_other_features(file):
    found = Extraction(inception.load(str(file)), 3)(IMAGES).table
    wrong = (tf.image.resize(IMAGES, [299, 299]).numpy()[:, ::16, ::16] - 128) / 128
    wrong = np.maximum(wrong @ KERNEL[0, 0], 0).mean(axis=(1, 2))
    assert np.abs(found - wrong).max() > 1e-3 * np.abs(found).max()


def test_the_normalization_that_was_removed_is_computed(tmp_path):
    path = tmp_path / "old.pb"
    path.write_bytes(old_graph().SerializeToString())
    found = Extraction(inception.load(str(path)), 4)(IMAGES)
    expected = by_hand(IMAGES, lambda x: (x - 0.1) / np.sqrt(0.5 + 0.001) * 3.0 + 0.2)
    np.testing.assert_allclose(found.table, expected, rtol=1e-4, atol=1e-7)


def test_the_archive_is_read_and_has_a_digest_of_its_own(file, tmp_path):
    path = tmp_path / "inception.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(file, "classify_image_graph_def.pb")
    packed, plain = inception.load(str(path)), inception.load(str(file))
    assert packed.digest != plain.digest and len(plain.digest) == 64
    images = tf.constant(IMAGES)
    assert (packed.compute(images)[0] == plain.compute(images)[0]).numpy().all()


def archive_of(name: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return content.getvalue()


@pytest.mark.parametrize(
    "content, words",
    [
        (b"\x89PNG no graph at all", "no frozen graph"),
        (archive_of("other.pb"), "an archive without"),
        (tf.compat.v1.GraphDef().SerializeToString(), "a graph without 'softmax/logits/MatMul'"),
        (graph(64).SerializeToString(), "a graph of 64 features"),
    ],
    ids=["no graph", "archive", "empty graph", "narrow graph"],  # an archive's bytes hold the time
)
def test_another_file_is_refused_by_what_it_is(tmp_path, content, words):
    path = tmp_path / "file.pb"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        inception.load(str(path))
    text = str(caught.value)
    assert words in text and str(path) in text and "download.tensorflow.org" in text
    assert len(text.splitlines()) <= 2


@pytest.mark.parametrize("place", [None, "nowhere/graph.pb"])
def test_a_missing_file_is_a_line_that_says_where_it_is(place):
    with pytest.raises(UserError, match="(?s)--inception.*download.tensorflow.org"):
        inception.load(place)
