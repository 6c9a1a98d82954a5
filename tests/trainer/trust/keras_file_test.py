"""Keras files that do more than compute are refused by reading them."""

import json
import pathlib
import shutil
import zipfile

import keras
import pytest
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import user_model
from dualcontrast.trainer.trust import keras_file


@keras.saving.register_keras_serializable("stranger")
class Writer(keras.layers.Layer):
    """A layer of the process's own, which writes where its configuration says."""

    def __init__(self, trace="", **others):
        super().__init__(**others)
        self.trace = trace
        if trace:
            pathlib.Path(trace).touch()

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {**super().get_config(), "trace": self.trace}


def build(layer) -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 1, name="place")(image))
    return keras.Model(image, x if layer is None else layer(x))


def with_lambda(_):
    return build(keras.layers.Lambda(lambda x: x + 1))


def with_own_layer(trace):
    return build(Writer(str(trace)))


def deep_inside(trace):
    inner = keras.Sequential([keras.Input((3,)), Writer(str(trace))])
    return build(keras.Sequential([keras.Input((3,)), inner]))


def with_vocabulary(trace):
    trace.with_name("words").write_text("a\n")
    image = keras.Input((8, 8, 3))
    words = keras.ops.cast(keras.layers.Flatten()(image), "int64")
    return keras.Model(image, keras.layers.IntegerLookup(vocabulary=[1, 2])(words))


def with_saved_model(trace):
    module = tf.Module()
    module.serve = tf.function(
        lambda x: tf.identity(x), input_signature=[tf.TensorSpec([None, 3])], autograph=False
    )
    folder = str(trace.with_name("inner"))
    tf.saved_model.save(module, folder, signatures=module.serve)
    return build(keras.layers.TFSMLayer(folder, call_endpoint="serving_default"))


HOSTILE = {
    with_lambda: "keras.layers.Lambda",
    with_own_layer: "Writer",
    deep_inside: "Writer",
    with_vocabulary: "IntegerLookup",
    with_saved_model: "TFSMLayer",
}


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.__name__)
def test_a_model_with_more_than_plain_layers_is_refused(tmp_path, hostile):
    trace = tmp_path / "trace"
    hostile(trace).save(tmp_path / "net.keras")
    trace.unlink(missing_ok=True)
    with pytest.raises(UserError, match=f"{HOSTILE[hostile]}.*\n.*--trust_model"):
        user_model.load(str(tmp_path / "net.keras"))
    assert not trace.exists()


def edited(path: pathlib.Path, edit) -> pathlib.Path:
    """Saves a network with another configuration of its layer "place"."""
    build(None).save(path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    (place,) = [one for one in config["config"]["layers"] if one.get("name") == "place"]
    edit(place)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (content | {"config.json": json.dumps(config)}).items():
            archive.writestr(name, data)
    return path


def get_file(trace: pathlib.Path) -> dict:
    """What made older Keras fetch a file (CVE-2025-9906)."""
    return {
        "module": "keras.utils",
        "class_name": "function",
        "config": "get_file",
        "registered_name": "get_file",
    }


EDITS = {
    "a function of Keras's that is no activation": (
        lambda place, trace: place["config"].update(activation=get_file(trace)),
        "keras.utils.get_file",
    ),
    "a class of Python's library": (
        lambda place, trace: place.update(module="os", class_name="system", registered_name=None),
        "os.system",
    ),
    "a class of another package": (
        lambda place, trace: place.update(module="keras_hub.layers", class_name="Backbone"),
        "keras_hub.layers.Backbone",
    ),
    "Keras's way of loading another model": (
        lambda place, trace: place.update(module="keras.models", class_name="load_model"),
        "keras.models.load_model",
    ),
    "code in a regulariser": (
        lambda place, trace: place["config"].update(
            kernel_regularizer={"class_name": "__lambda__", "config": {"value": "gA=="}}
        ),
        "__lambda__",
    ),
    "a private path to a dangerous layer": (
        lambda place, trace: place.update(
            module="keras.src.layers.core.lambda_layer", class_name="Lambda"
        ),
        "keras.src.layers.core.lambda_layer.Lambda",
    ),
    "a package that only begins like Keras": (
        lambda place, trace: place.update(module="kerasx.layers", class_name="Conv2D"),
        "kerasx.layers.Conv2D",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_file_that_was_edited_is_refused(tmp_path, edit):
    change, name = EDITS[edit]
    path = edited(tmp_path / "net.keras", lambda place: change(place, tmp_path / "trace"))
    with pytest.raises(UserError) as caught:
        user_model.load(str(path))
    assert f"({name})" in str(caught.value) and "--trust_model" in str(caught.value)


@pytest.mark.parametrize("content", [b"no zip", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_file_is_not_a_matter_of_trust(tmp_path, content):
    (tmp_path / "net.keras").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read$"):
        user_model.load(str(tmp_path / "net.keras"))


def test_whoever_trusts_a_model_may_run_it(tmp_path):
    with_lambda(None).save(tmp_path / "net.keras")
    assert user_model.load(str(tmp_path / "net.keras"), trusted=True).name == "net.keras"


def test_an_ordinary_network_is_harmless(tmp_path):
    layers, image = keras.layers, keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, kernel_regularizer="l2", kernel_constraint="unit_norm")(image * 2 - 1)
    x = layers.Activation(keras.activations.gelu)(layers.BatchNormalization()(x))
    x = layers.TimeDistributed(layers.Dense(4, activation=keras.activations.silu))(x)
    x = layers.Bidirectional(layers.LSTM(3))(layers.Reshape((-1, 4))(x))
    inner = keras.Sequential([layers.Dense(4, kernel_initializer=keras.initializers.HeNormal())])
    model = keras.Model(image, keras.ops.relu(inner(x)) + 1)
    model.compile("adam", loss="mse")
    model.save(tmp_path / "net.keras")
    keras_file.check(tmp_path / "net.keras", "--extractor=net.keras")
    shutil.copy(tmp_path / "net.keras", tmp_path / "copy.keras")
    assert user_model.load(str(tmp_path / "copy.keras")).name == "copy.keras"
