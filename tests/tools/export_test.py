"""The exported model: what a process with TensorFlow alone gets, and what an export refuses."""

import json
import os
import pathlib
import resource
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver

from dualcontrast.layers import networks
from dualcontrast.tools import export
from dualcontrast.tools.sampling import model_folder
from dualcontrast.trainer import pictures, seeds, serving_module, state
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import config_flags, schema, serialisation
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.trust import operations, saved_model

SMALL = {
    "data.resolution": 16,
    "data.channels": 3,
    "generator.latent_size": 8,
    "generator.w_size": 12,
    "generator.mapping_layers": 2,
    "generator.fmap_base": 64,
    "generator.fmap_max": 8,
    # The compiled operation behind it stays at home: a server has TensorFlow's alone.
    "generator.attention.kind": "san",
    "generator.attention.resolution": 8,
    "generator.attention.san.patch_size": 5,
}
CONFIG = schema.replace(schema.Config(), SMALL)
BATCHES = (1, 3, 17)
BOUND = 17


def make_generator(seed: int):
    generator = state.make_generator(CONFIG)
    random = np.random.default_rng(seed)
    # Every variable counts: at first the noise's strength and the mean of w are zero.
    for variable in generator.variables:
        change = 0.3 * random.standard_normal(variable.shape)
        variable.assign(variable.numpy() + change.astype(np.float32))
    return generator


class Plain(networks.Generator):
    """A family that nobody has heard of: the image is z, brighter by class."""

    resolution, channels, latent_size = 1, 3, 3

    def __init__(self, classes: int = 0):
        super().__init__()
        self.classes = classes

    def call(self, z, labels=None):
        """Returns images, [batch, 1, 1, 3]."""
        networks.check_labels(self, self.classes, labels)
        brighter = 0 if labels is None else tf.cast(labels, tf.float32)[:, None]
        return (z + brighter)[:, None, None, :] / 10


@pytest.fixture(name="generator", scope="module")
def _generator():
    return make_generator(1)


@pytest.fixture(name="model", scope="module")
def _model(generator, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("export") / "models" / "1"
    model_folder.write(generator, CONFIG, 4321, folder, max_batch=BOUND)
    return folder


NAMES = ["cat", "d|g `{0}", "1"]


@pytest.fixture(name="others", scope="module")
def _others(save_run, tmp_path_factory) -> dict:
    """Generators with other abilities, where the command exported each from its run, and loaded."""
    conditional = {name: x for name, x in SMALL.items() if "attention" not in name}
    conditional |= {"data.resolution": 8, "data.labels": True}
    tiny = {"generator.architecture": "dcgan", "discriminator.architecture": "dcgan"}
    tiny |= {"generator.width": 2, "generator.latent_size": 8}
    configs = {
        "classes": schema.resolve(schema.replace(schema.Config(), conditional), 8, 3, classes=3),
        "sngan": schema.resolve(schema.replace(config_flags.load("sngan_adv"), tiny), 8, 3),
    }
    folder = tmp_path_factory.mktemp("others")
    found = {}
    for name, config in configs.items():
        names, bound = (NAMES, 3) if name == "classes" else ([], BOUND)
        generator = save_run(folder / f"{name} run", config, names)
        with flagsaver.as_parsed(max_batch=str(bound)):
            call(folder / f"{name} run", folder / name)
        found[name] = generator, folder / name, tf.saved_model.load(str(folder / name))
    return found


# Runs with TensorFlow alone, from a folder where the project cannot be imported.
CLIENT = """
import sys
import numpy as np
import tensorflow as tf

folder, given, taken, *folders = sys.argv[1:]
inputs, found = np.load(given), {}
model = tf.saved_model.load(folder)
serve = model.signatures
half = tf.constant(0.5)
for batch in (0, 1, 3, 17):
    z = tf.constant(inputs["z"][:batch])
    found.update({f"{k}{batch}": v for k, v in serve["latents"](z=z, truncation_psi=half).items()})
    w = found[f"w{batch}"]
    found[f"again{batch}"] = serve["w"](w=w)["images"]
found["default"] = serve["serving_default"](z=z, truncation_psi=half)["images"]
found["whole"] = model.latents(z)["images"]
for batch in (0, 1, 3):
    png = model.seeds(5, batch, 0.5)["png_bytes"].numpy()
    found[f"png{batch}"] = np.array([tf.io.decode_png(file).numpy() for file in png])
found["third"] = tf.io.decode_png(model.seeds(7, 1, 0.5)["png_bytes"][0])[None]

def answer(call):
    try:
        call()
    except tf.errors.InvalidArgumentError as error:
        return str(error)
    return "no error"

z, w = np.zeros([18, 8], np.float32), np.zeros([18, 6, 12], np.float32)
png = serve["seeds"]
asks = {
    "seeds": lambda: model.seeds(0, 18),
    "seeds far beyond": lambda: model.seeds(0, 2**31 - 1),
    "seeds below": lambda: model.seeds(0, -1),
    "seeds by signature": lambda: png(
        seed=tf.constant(0, tf.int64), count=tf.constant(18), truncation_psi=half
    ),
    "latents": lambda: model.latents(z),
    "w": lambda: model.w(w),
}
answers = {name: answer(call) for name, call in asks.items()}

# As TF Serving and saved_model_cli do it.
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    graph = tf.compat.v1.saved_model.load(session, ["serve"], folder)
    signature = graph.signature_def["latents"]
    feed = {signature.inputs["z"].name: inputs["z"]}
    found["served"] = session.run(signature.outputs["images"].name, feed)
    for name, feed in {
        "seeds": {"seed": 0, "count": 2**30, "truncation_psi": 1.0},
        "latents": {"z": z, "truncation_psi": 1.0},
        "w": {"w": w},
    }.items():
        signature = graph.signature_def[name]
        feed = {signature.inputs[key].name: value for key, value in feed.items()}
        wanted = [output.name for output in signature.outputs.values()]
        answers[f"{name} served"] = answer(lambda: session.run(wanted, feed))
    nodes = list(graph.graph_def.node)
    nodes += [node for function in graph.graph_def.library.function for node in function.node_def]
    found["operations"] = np.array(sorted({node.op for node in nodes}))

found["asked"], found["answers"] = map(np.array, zip(*answers.items()))
found["project"] = np.array([name for name in sys.modules if name.startswith("dualcontrast")])
np.savez(taken, **{name: np.asarray(value) for name, value in found.items()})
"""


# Then does what the READMEs of some folders say.
CLIENT += """
import os, pathlib, re, shlex
from absl import flags
from tensorflow.python.tools import saved_model_cli

for name in folders:
    card = pathlib.Path(name, "README.md").read_text().replace("path/of/this/folder", name)
    blocks = re.findall("```(python|sh)\\n(.*?)```", card.partition("## From Keras")[0], re.S)
    languages = dict(blocks)
    os.mkdir("of " + name)
    os.chdir("of " + name)
    os.symlink("../" + name, name)
    said = {}
    exec(languages["python"], said)
    print(name, *said["images"].shape)
    print(name, *said.get("names", []), sep="|")
    exec("images = " + re.search("`(model.signatures.*?)`", card)[1], said)
    for command in languages["sh"].replace("\\\\\\n", "").splitlines():
        program, *words = shlex.split(command)
        assert program == "saved_model_cli"
        flags.FLAGS.unparse_flags()
        flags.FLAGS([program, *words])
        getattr(saved_model_cli, words[0])()
    os.chdir("..")
"""


@pytest.fixture(name="z", scope="module")
def _z():
    return np.random.default_rng(0).standard_normal([17, 8]).astype(np.float32)


@pytest.fixture(name="client", scope="module")
def _client(model, others, z, tmp_path_factory) -> tuple[dict, pathlib.Path, str]:
    """What the client found in the model, its folder, and what the READMEs made it print."""
    folder = tmp_path_factory.mktemp("client")
    np.savez(folder / "given.npz", z=z)
    folders = {"stylegan2": model} | {name: place for name, (_, place, _) in others.items()}
    for name, place in folders.items():
        (folder / name).symlink_to(place)
    command = [sys.executable, "-c", CLIENT, str(model), "given.npz", "taken.npz", *folders]
    environment = {**os.environ, "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return dict(np.load(folder / "taken.npz")), folder, result.stdout


@pytest.fixture(name="found", scope="module")
def _found(client):
    return client[0]


def test_the_client_has_no_module_of_the_project(found):
    assert found["project"].tolist() == []


@pytest.mark.parametrize("batch", BATCHES)
def test_latents_give_the_generators_pixels(found, generator, z, batch):
    expected = generator(z[:batch], truncation_psi=0.5).numpy()
    np.testing.assert_allclose(found[f"images{batch}"], expected, atol=2e-5)


@pytest.mark.parametrize("batch", BATCHES)
def test_w_gives_the_images_of_the_latents_it_came_with(found, batch):
    assert found[f"w{batch}"].shape == (batch, 6, 12)
    np.testing.assert_allclose(found[f"again{batch}"], found[f"images{batch}"], atol=2e-5)


def test_an_empty_batch_is_an_empty_answer(found):
    assert found["images0"].shape == found["again0"].shape == (0, 16, 16, 3)
    assert found["w0"].shape == (0, 6, 12) and found["png0"].shape == (0,)


def test_latents_are_the_default_and_whole_without_a_psi(found, generator, z):
    np.testing.assert_allclose(found["default"], found["images17"], atol=2e-5)
    np.testing.assert_allclose(found["whole"], generator(z).numpy(), atol=2e-5)
    assert abs(found["whole"] - found["default"]).max() > 0.01


def test_a_server_gets_the_same_images_and_need_not_give_psi(found):
    np.testing.assert_allclose(found["served"], found["whole"], atol=2e-5)


def test_a_png_has_the_bytes_of_the_trainers_picture(found, generator):
    z = seeds.latents(tf.range(5, 8), 8, "normal")
    expected = pictures.to_uint8(generator(z, truncation_psi=0.5)).numpy()
    # A value next to a tie may round otherwise in another batch.
    assert abs(found["png3"].astype(int) - expected).max() <= 1
    assert (found["png3"] == expected).mean() > 0.999


def test_a_seed_is_the_same_image_alone_and_among_others(found):
    assert abs(found["png1"][0].astype(int) - found["png3"][0]).max() <= 1
    assert abs(found["third"][0].astype(int) - found["png3"][2]).max() <= 1
    assert abs(found["png3"][0].astype(int) - found["png3"][1]).max() > 10


ASKED = {
    "seeds": "count must be from 0 to 17, the bound of this export, got:] [18]",
    "seeds far beyond": "got:] [2147483647]",
    "seeds below": "got:] [-1]",
    "seeds by signature": "count must be from 0 to 17, the bound of this export, got:] [18]",
    "latents": "the batch of z must be from 0 to 17, the bound of this export, got:] [18]",
    "w": "the batch of w must be from 0 to 17, the bound of this export, got:] [18]",
    "seeds served": "count must be from 0 to 17, the bound of this export, got:] [1073741824]",
    "latents served": "the batch of z must be from 0 to 17, the bound of this export, got:] [18]",
    "w served": "the batch of w must be from 0 to 17, the bound of this export, got:] [18]",
}


@pytest.mark.parametrize("asked", ASKED)
def test_more_than_the_bound_of_the_export_is_refused(found, asked):
    answers = dict(zip(found["asked"], found["answers"]))
    assert ASKED[asked] in answers[asked]


def test_the_bound_is_the_flags_and_is_written_down(model, generator, tmp_path, monkeypatch):
    assert "from 0 to 17 images" in (model / "README.md").read_text()
    assert tf.saved_model.load(str(model)).max_batch.numpy() == 17
    seen = []
    monkeypatch.setattr(checkpoint, "load_average", lambda path: (generator, CONFIG, 1))
    monkeypatch.setattr(model_folder, "write", lambda *arguments: seen.append(arguments[4]))
    run = make_run(tmp_path)
    call(run, tmp_path / "model")
    with flagsaver.as_parsed(max_batch="3"):
        call(run, tmp_path / "model")
    assert seen == [64, 3]


def test_the_export_passes_for_a_strangers_model(model):
    saved_model.check(model, "--model")


@pytest.mark.parametrize("kind", ["sagan", "dfn", "vt"])
def test_every_attention_only_computes(kind):
    config = schema.replace(CONFIG, {"generator.attention.kind": kind})
    release = serving_module.Release(state.make_generator(config), max_batch=2)
    graph = release.seeds.get_concrete_function().graph.as_graph_def()
    called = {one.signature.name for one in graph.library.function}
    nodes = [*graph.node, *(node for one in graph.library.function for node in one.node_def)]
    assert operations.strange({node.op for node in nodes} - called) == ""


def test_no_operation_calls_python_or_touches_files(found):
    operations = set(found["operations"])
    assert "Conv2D" in operations
    files = {"ReadFile", "WriteFile", "MatchingFiles", "Print", "PrintV2"}
    assert not operations & ({"PyFunc", "EagerPyFunc", "PyFuncStateless"} | files)


def test_variables_are_stored_once(model, generator):
    stored = (model / "variables" / "variables.data-00000-of-00001").stat().st_size
    needed = 4 * sum(int(np.prod(variable.shape)) for variable in generator.variables)
    assert needed <= stored < 1.5 * needed  # the rest is the graph of objects


def test_the_weights_for_keras_make_the_same_generator(model, generator, z):
    config = serialisation.from_json((model / "config.json").read_text())
    assert config == CONFIG
    again = state.make_generator(config)
    again.load_weights(model / "generator.weights.h5")
    np.testing.assert_array_equal(again(z).numpy(), generator(z).numpy())


def test_the_card_says_what_the_model_is(model, others):
    card = (model / "README.md").read_text()
    assert "16 x 16" in card and "4,321 real images" in card and "[batch, 6, 12]" in card
    assert "family `stylegan2`, with the moving average of its weights," in card
    of_classes, sngan = ((others[name][1] / "README.md").read_text() for name in others)
    assert "3 classes, numbered from 0 to 2" in of_classes and "[batch, 4, 12]" in of_classes
    assert '| 1 | "d\\|g \\`{0}" |' in of_classes
    assert "of the family `sngan`, in float32" in sngan
    for word in ("label", "truncation_psi", "`w`", "average"):
        assert word not in sngan


def test_what_the_cards_say_of_tensorflow_works(client):
    _, folder, printed = client
    lines = printed.splitlines()
    # No more than the bounds: 17, 3 and 17.
    assert [line for line in lines if line.endswith(" 3") and line[0].islower()] == [
        "stylegan2 16 16 16 3",
        "classes 3 8 8 3",
        "sngan 16 8 8 3",
    ]
    assert "classes|cat|d|g `{0}|1" in lines
    for name in ("stylegan2", "classes", "sngan"):
        made = sorted(path.name for path in (folder / f"of {name}").rglob("*.*"))
        assert made == ["png_bytes.npy", "seed0.png"]
        png = (folder / f"of {name}" / "seed0.png").read_bytes()
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["classes", "sngan"])
def test_what_the_cards_say_of_keras_works(others, monkeypatch, name):
    generator, folder, _ = others[name]
    card = (folder / "README.md").read_text().partition("## From Keras")[2]
    monkeypatch.chdir(folder)
    names = {}
    exec(card.partition("```python\n")[2].partition("```")[0], names)  # our own text
    for ours, again in zip(generator.variables, names["generator"].variables, strict=True):
        np.testing.assert_array_equal(ours, again)


def test_a_model_offers_what_its_generator_can_do(others):
    offered = {}
    for name, (_, folder, model) in others.items():
        saved_model.check(folder, "--model")
        offered[name] = {
            signature: sorted(function.structured_input_signature[1])
            for signature, function in model.signatures.items()
        }
        assert hasattr(model, "classes") == (name == "classes")
    latents, numbers = ["labels", "truncation_psi", "z"], ["count", "label", "seed"]
    assert offered == {
        "classes": {
            "latents": latents,
            "serving_default": latents,
            "seeds": [*numbers, "truncation_psi"],
            "w": ["w"],
        },
        "sngan": {"latents": ["z"], "serving_default": ["z"], "seeds": ["count", "seed"]},
    }


def decoded(png_bytes) -> np.ndarray:
    return np.stack([tf.io.decode_png(png) for png in png_bytes["png_bytes"]]).astype(int)


def test_an_sngan_is_as_its_moments_make_it(others, z):
    generator, _, model = others["sngan"]
    expected = generator(z[:3])
    np.testing.assert_allclose(model.latents(z[:3])["images"], expected, atol=2e-5)
    np.testing.assert_allclose(model.latents(z[2:3])["images"], expected[2:], atol=2e-5)
    assert model.latents(z[:0])["images"].shape == (0, 8, 8, 3)
    drawn = pictures.to_uint8(generator(seeds.latents(tf.range(5, 8), 8, "normal"))).numpy()
    assert abs(decoded(model.seeds(5, 3)) - drawn).max() <= 1


def test_labels_decide_the_class_of_every_image(others, z):
    generator, folder, model = others["classes"]
    labels = tf.constant([2, 0, 1], tf.int64)
    found = model.latents(z[:3], labels, 0.5)
    expected = generator(z[:3], labels, truncation_psi=0.5)
    np.testing.assert_allclose(found["images"], expected, atol=2e-5)
    np.testing.assert_allclose(model.w(found["w"])["images"], expected, atol=2e-5)
    assert abs(expected - generator(z[:3], labels[::-1], truncation_psi=0.5)).numpy().max() > 0.01
    assert model.latents(z[:0], labels[:0])["images"].shape == (0, 8, 8, 3)
    assert model.classes.numpy().tolist() == [b"cat", b"d|g `{0}", b"1"]
    assert model_folder.read_class_names(folder) == NAMES


def test_seeds_are_of_the_label_or_of_their_own_classes(others):
    generator, _, model = others["classes"]
    numbers = tf.range(5, 8, dtype=tf.int64)
    own = seeds.labels(numbers, 3)
    assert len(set(own.numpy())) > 1
    for label, labels in ((2, tf.fill([3], 2)), (-1, own)):
        drawn = generator(seeds.latents(numbers, 8, "normal"), labels)
        found = decoded(model.seeds(5, 3, label=label))
        assert abs(found - pictures.to_uint8(drawn).numpy()).max() <= 1
    np.testing.assert_array_equal(decoded(model.seeds(5, 3)), found)


@pytest.mark.parametrize(
    "labels, text",
    [
        ([0, 3], "labels must be from 0 to 2, the classes of this export, got from, to:] [0] [3]"),
        (
            [-1, 1],
            "labels must be from 0 to 2, the classes of this export, got from, to:] [-1] [1]",
        ),
        ([1], "labels must be one for each z, got:] [1] [for] [2]"),
        ([1, 1, 1], "labels must be one for each z, got:] [3] [for] [2]"),
        (3, "label must be from 0 to 2, the classes of this export, or -1, got:] [3]"),
        (-2, "label must be from 0 to 2, the classes of this export, or -1, got:] [-2]"),
    ],
)
def test_a_label_without_a_class_is_refused(others, z, labels, text):
    model = others["classes"][2]
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        if isinstance(labels, int):
            model.seeds(0, 2, label=labels)
        else:
            model.latents(z[:2], labels)
    assert text in str(refusal.value)


def test_labels_reach_a_generator_without_a_mapping():
    release = serving_module.Release(Plain(4), 3, ["a", "b", "c", "d"])
    assert sorted(release.signatures()) == ["latents", "seeds", "serving_default"]
    images = release.latents(tf.ones([2, 3]), [0, 2])["images"].numpy()
    np.testing.assert_allclose(images, [[[[0.1] * 3]], [[[0.3] * 3]]], rtol=1e-6)
    assert release.latents(tf.ones([0, 3]), tf.zeros([0], tf.int64))["images"].shape[0] == 0
    z = seeds.latents(tf.constant([4]), 3, "normal").numpy()
    expected = np.round(np.clip((z + 3) / 10 * 127.5 + 127.5, 0, 255))
    assert abs(decoded(release.seeds(4, 1, label=3)) - expected).max() <= 1


def test_keras_and_tf_lite_make_the_same_images(z, tmp_path):
    config = schema.replace(CONFIG, {"generator.attention.kind": "none"})
    generator = state.make_generator(config)
    model_folder.write(generator, config, 1, tmp_path / "plain", max_batch=BOUND)
    model, expected = str(tmp_path / "plain"), generator(z).numpy()
    close = {"rtol": 0, "atol": 2e-6 * abs(expected).max()}
    layer = keras.layers.TFSMLayer(model, call_endpoint="latents")
    np.testing.assert_allclose(layer(z)["images"].numpy(), expected, **close)
    converter = tf.lite.TFLiteConverter.from_saved_model(model, signature_keys=["latents"])
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    latents = interpreter.get_signature_runner("latents")
    images = latents(z=z, truncation_psi=np.float32(1))["images"]
    np.testing.assert_allclose(images, expected, **close)


def make_run(folder: pathlib.Path) -> pathlib.Path:
    """A folder that passes for a run until its checkpoint is looked for."""
    run = folder / "run"
    run.mkdir()
    (run / "config.json").write_text(serialisation.to_json(CONFIG))
    return run


def call(run: pathlib.Path, output: pathlib.Path) -> None:
    flags.FLAGS.mark_as_parsed()
    with flagsaver.as_parsed(run=str(run), output=str(output)):
        export.main(["export"])


def test_the_command_exports_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(checkpoint, "load_average", lambda path: (Plain(), CONFIG, 77))
    call(make_run(tmp_path), tmp_path / "model")
    assert "77 images" in capsys.readouterr().out
    assert json.loads((tmp_path / "model" / "config.json").read_text())
    assert sorted(os.listdir(tmp_path)) == ["model", "run"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_nothing_is_overwritten(tmp_path, kind):
    output = tmp_path / "model"
    output.mkdir() if kind == "folder" else output.write_text("mine")
    with pytest.raises(UserError, match=f"--output={output} exists already"):
        call(tmp_path / "run", output)
    assert os.listdir(tmp_path) == ["model"]


def test_an_unknown_run_is_named_and_nothing_is_made(tmp_path):
    with pytest.raises(UserError, match="no-such-run"):
        call(tmp_path / "no-such-run", tmp_path / "model")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("what", ["a file of ours", "a file of TensorFlow's", "the folder"])
def test_a_full_disk_is_told_by_the_name_that_was_typed(tmp_path, monkeypatch, what):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    model = tmp_path / "model"
    reason = "No space left on device"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if what == "a file of ours":
        monkeypatch.setattr(os, "fsync", refuse)
    elif what == "the folder":
        monkeypatch.setattr(os, "mkdir", refuse)
    else:
        reason = "File too large"
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(UserError) as error:
            model_folder.write(Plain(), CONFIG, 1, model, max_batch=4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(error.value).startswith(f"--output={model} cannot be written: ")
    assert reason in str(error.value) and f".{os.getpid()}" not in str(error.value)
    assert str(error.value).count("\n") <= 1
    assert os.listdir(tmp_path) == []
