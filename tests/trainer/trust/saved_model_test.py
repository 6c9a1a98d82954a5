"""A SavedModel that only computes is let in; one that could do more is refused, unloaded.

Each hostile model is built for real, and would write a file if it were loaded and called.
"""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.trackable import resource

from dualcontrast.tools.evaluation import saved_generator
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import user_model
from dualcontrast.trainer.features.extractor import Extraction
from dualcontrast.trainer.trust import operations, saved_model

IMAGES = tf.TensorSpec([None, 8, 8, 3], tf.float32, "images")


def features(images):
    return tf.reduce_mean(images, axis=[1, 2])


def save(folder: pathlib.Path, function, **attributes) -> pathlib.Path:
    """Saves a function of images as a SavedModel."""
    module = tf.Module()
    for name, value in attributes.items():
        setattr(module, name, value)
    serve = tf.function(function, input_signature=[IMAGES], autograph=False)
    tf.saved_model.save(module, str(folder), signatures=serve)
    return folder


def writes(images, trace):
    with tf.control_dependencies([tf.io.write_file(trace, "x")]):
        return features(images)


def writes_in_a_branch(images, trace):
    big = tf.reduce_mean(images) > -1
    return tf.cond(big, lambda: writes(images, trace), lambda: features(images))


def writes_in_a_loop(images, trace):
    return tf.map_fn(lambda image: writes(image[None], trace)[0], images)


def writes_two_functions_down(images, trace):
    inner = tf.function(lambda x: writes(x, trace), autograph=False)
    return tf.function(lambda x: inner(x), autograph=False)(images)


def reads(images, trace):
    del trace
    secret = tf.io.read_file("/etc/hostname")
    return features(images) + tf.cast(tf.strings.length(secret), tf.float32)


def lists(images, trace):
    found = tf.io.matching_files(f"{trace}*")
    return features(images) + tf.cast(tf.size(found), tf.float32)


def prints_to_a_file(images, trace):
    with tf.control_dependencies([tf.print("x", output_stream=f"file://{trace}")]):
        return features(images)


def saves_a_checkpoint(images, trace):
    saved = tf.raw_ops.SaveV2(
        prefix=trace, tensor_names=["x"], shape_and_slices=[""], tensors=[images]
    )
    with tf.control_dependencies([saved]):
        return features(images)


def calls_python(images, trace):
    def code(x):
        pathlib.Path(trace).touch()
        return x

    (found,) = (tf.numpy_function(code, [images], tf.float32, stateful=False),)
    return features(tf.ensure_shape(found, IMAGES.shape))


def reads_a_dataset(images, trace):
    rows = tf.data.TFRecordDataset(trace)
    return features(images) + tf.cast(rows.reduce(0, lambda n, _: n + 1), tf.float32)


def has_a_debugger(images, trace):
    watched = tf.raw_ops.DebugIdentityV2(input=images, debug_urls=[f"file://{trace}"])
    return features(watched)


HOSTILE = {
    writes: "WriteFile",
    writes_in_a_branch: "WriteFile",
    writes_in_a_loop: "WriteFile",
    writes_two_functions_down: "WriteFile",
    reads: "ReadFile",
    lists: "MatchingFiles",
    prints_to_a_file: "PrintV2",
    saves_a_checkpoint: "SaveV2",
    calls_python: "PyFuncStateless",
    reads_a_dataset: "TFRecordDataset",
    has_a_debugger: "DebugIdentityV2",
}


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.__name__)
def test_an_extractor_that_does_more_than_compute_is_refused(tmp_path, hostile):
    trace = tmp_path / "trace"
    folder = save(tmp_path / "net", lambda images: hostile(images, str(trace)))
    trace.unlink(missing_ok=True)  # Tracing may have written it.
    with pytest.raises(UserError, match=HOSTILE[hostile]) as caught:
        user_model.load(str(folder))
    text = str(caught.value)
    assert f"--extractor={folder}" in text and "--trust_model" in text
    assert len(text.splitlines()) == 2
    assert not list(tmp_path.glob("trace*"))


class WritesWhenLoaded(resource.CapturableResource):
    """A resource like a table's, whose beginning is a file on somebody's disk."""

    def __init__(self, trace: str):
        self._trace = trace
        super().__init__()

    def _create_resource(self):
        return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)

    def _initialize(self):
        tf.io.write_file(self._trace, "x")


def test_a_model_that_acts_when_it_is_loaded_is_refused_before(tmp_path):
    trace = tmp_path / "trace"
    folder = save(tmp_path / "net", features, table=WritesWhenLoaded(str(trace)))
    tf.saved_model.load(str(folder))
    assert trace.exists()  # The danger is real.
    trace.unlink()
    with pytest.raises(UserError, match="WriteFile"):
        user_model.load(str(folder))
    assert not trace.exists()


def test_a_table_that_reads_a_file_of_words_is_refused(tmp_path):
    (tmp_path / "words").write_text("a\nb\n")
    rows = tf.lookup.TextFileInitializer(
        str(tmp_path / "words"), tf.string, 0, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    folder = save(tmp_path / "net", features, table=tf.lookup.StaticHashTable(rows, -1))
    with pytest.raises(UserError, match="HashTableV2, InitializeTableFromTextFileV2"):
        user_model.load(str(folder))


def change(folder: pathlib.Path, edit) -> pathlib.Path:
    """Edits the protocol buffer of a SavedModel."""
    path, found = folder / saved_model.FILE_NAME, saved_model_pb2.SavedModel()
    found.ParseFromString(path.read_bytes())
    edit(found.meta_graphs[0])
    path.write_bytes(found.SerializeToString())
    return folder


def test_a_function_that_passes_for_the_savers_is_looked_at(tmp_path):
    trace = str(tmp_path / "trace")
    folder = save(tmp_path / "net", lambda images: writes(images, trace))

    def disguise(graph):
        names = [function.signature.name for function in graph.graph_def.library.function]
        node = graph.graph_def.node.add(name="disguise", op="StatefulPartitionedCall")
        for name in names:  # The saver calls all functions, it says.
            other = node if node.attr["f"].func.name == "" else graph.graph_def.node.add()
            other.name = "disguise"
            other.attr["f"].func.name = name
        graph.saver_def.restore_op_name = "disguise"

    with pytest.raises(UserError, match="WriteFile"):
        user_model.load(str(change(folder, disguise)))


def test_a_function_that_is_called_by_its_name_alone_is_looked_at(tmp_path):
    trace = str(tmp_path / "trace")
    folder = save(tmp_path / "net", lambda images: writes_two_functions_down(images, trace))

    def rename(graph):
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                if "f" in node.attr:
                    node.op = node.attr["f"].func.name
                    del node.attr["f"]

    with pytest.raises(UserError, match="WriteFile"):
        user_model.load(str(change(folder, rename)))


def test_an_operation_that_nobody_knows_is_refused(tmp_path):
    folder = save(tmp_path / "net", features)

    def rename(graph):
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                node.op = "Innocent" if node.op == "Mean" else node.op

    with pytest.raises(UserError, match=r"\(Innocent\)"):
        user_model.load(str(change(folder, rename)))


def test_a_model_of_tensorflow_1_is_refused(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = tf.compat.v1.placeholder(tf.float32, IMAGES.shape)
        found = tf.io.write_file(str(tmp_path / "trace"), "x")
        tf.compat.v1.saved_model.simple_save(
            session,
            str(tmp_path / "net"),
            {"images": images},
            {"features": features(images)},
            found,
        )
    with pytest.raises(UserError, match="TensorFlow 1"):
        user_model.load(str(tmp_path / "net"))
    assert not (tmp_path / "trace").exists()


def test_a_generator_to_measure_is_looked_at_too(tmp_path):
    trace = tmp_path / "trace"
    folder = save(tmp_path / "net", lambda images: saves_a_checkpoint(images, str(trace)))
    with pytest.raises(UserError, match=f"--model={folder} .*SaveV2"):
        saved_generator.open_model(str(folder), seed=0, truncation_psi=1.0)
    assert not list(tmp_path.glob("trace*"))


def test_a_damaged_file_is_not_a_matter_of_trust(tmp_path):
    (tmp_path / saved_model.FILE_NAME).write_bytes(b"\xff" * 40)
    with pytest.raises(UserError, match="is damaged$"):
        user_model.load(str(tmp_path))


def test_whoever_trusts_a_model_may_run_it(tmp_path):
    trace = tmp_path / "trace"
    folder = save(tmp_path / "net", lambda images: writes(images, str(trace)))
    found = user_model.load(str(folder), trusted=True)
    assert Extraction(found, 1)(np.zeros((1, 8, 8, 3), np.uint8)).table.tolist() == [[0, 0, 0]]
    assert trace.exists()


def test_an_ordinary_network_is_harmless(tmp_path):
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 127.5)(image)
    x = layers.RandomFlip()(layers.Resizing(32, 32)(x))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, activation="gelu")(x))
    x = layers.Add()([x, layers.Dropout(0.5)(layers.DepthwiseConv2D(3, padding="same")(x))])
    x = layers.LayerNormalization()(layers.MaxPooling2D()(layers.SeparableConv2D(8, 3)(x)))
    x = layers.Reshape((-1, 8))(x)
    x = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LSTM(4)(x) + keras.ops.mean(layers.GRU(4, return_sequences=True)(x), axis=1)
    keras.Model(image, x).export(tmp_path / "net", verbose=False)
    saved_model.check(tmp_path / "net", "--extractor=net")


def test_the_harmless_operations_are_tensorflows_and_none_of_them_names_a_file():
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    known = op_def_pb2.OpList()
    known.ParseFromString(
        pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())  # of this process
    )
    by_name = {found.name: found for found in known.op}
    assert operations.HARMLESS - by_name.keys() == set()
    arguments = {
        argument.name
        for name in operations.HARMLESS
        for argument in [*by_name[name].input_arg, *by_name[name].attr]
    }
    greedy = ("file", "path", "prefix", "url", "token", "address", "descriptor_source", "dataset")
    assert [name for name in arguments if any(word in name for word in greedy)] == []
