"""Networks of NVIDIA's files: each value in its place, and what is different refused by name."""

import io
import struct
import zlib

import numpy as np
import pytest

from dualcontrast.tools.interchange import array_files, layout, network_file, pytorch_networks
from dualcontrast.tools.interchange.pickled_networks import Network
from dualcontrast.trainer import state
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError


@pytest.fixture(name="read", scope="module")
def _read(tmp_path_factory):
    """Reads the content of a file."""
    path = tmp_path_factory.mktemp("files") / "networks.pkl"

    def read(content: bytes):
        path.write_bytes(content)
        return network_file.read(str(path))

    return read


def values_of(found) -> dict[str, dict[str, np.ndarray]]:
    """What the variables of each network would be, by network and path."""
    config = schema.replace(schema.Config(), found.settings)
    schema.validate(config)
    made = {"G": state.make_generator(config), "D": state.make_discriminator(config)}
    made["G_ema"] = made["G"]
    shapes = {
        name: {path: tuple(v.shape) for path, v in state.variables_of(network).items()}
        for name, network in made.items()
    }
    return {name: layout.values_for(name, shapes[name], found.arrays[name]) for name in made}


@pytest.mark.parametrize("classes", [0, 3])
def test_settings_are_read_from_the_file(nvidia, read, classes):
    found = read(nvidia.pytorch(nvidia.networks(classes, clamp=256, half=True)))
    labels = {"data.labels": True, "data.classes": 3, "discriminator.label_layers": 8}
    labels = labels if classes else {}
    assert found.settings == labels | {
        "data.resolution": 8,
        "data.channels": 3,
        "generator.latent_size": 5,
        "generator.w_size": 7,
        "generator.mapping_layers": 2,
        "generator.mapping_learning_rate_multiplier": 0.01,
        "generator.w_mean_decay": 0.995,
        "generator.fmap_base": 16,
        "generator.fmap_max": 6,
        "generator.conv_clamp": 256.0,
        "discriminator.fmap_base": 16,
        "discriminator.fmap_max": 6,
        "discriminator.conv_clamp": 256.0,
        "discriminator.label_learning_rate_multiplier": 0.01,
        "discriminator.minibatch_stddev_group": 3,
    }
    assert "16 bits" in found.notes[0]


def test_every_value_of_a_pytorch_file_is_in_its_place(nvidia, read):
    content = nvidia.networks(classes=3)
    found = values_of(read(nvidia.pytorch(content)))
    stored = {name: content[name].arrays() for name in ("G", "D", "G_ema")}
    for name in ("G", "G_ema"):
        ours, theirs = found[name], stored[name]
        kernel = ours["synthesis.8x8_up.convolution.kernel"]  # [y, x, outputs, inputs]
        for o, i, y, x in ((0, 0, 0, 0), (3, 5, 2, 1), (1, 4, 0, 2)):
            assert kernel[y, x, o, i] == theirs["synthesis.b8.conv0.weight"][o, i, y, x]
            same = ours["synthesis.4x4.convolution.kernel"]  # [y, x, inputs, outputs]
            assert same[y, x, i, o] == theirs["synthesis.b4.conv1.weight"][o, i, y, x]
        style = ours["synthesis.8x8_rgb.convolution.style.bias"]
        np.testing.assert_allclose(style + 1, theirs["synthesis.b8.torgb.affine.bias"], rtol=1e-6)
        assert ours["synthesis.constant"][0, 1, 2, 4] == theirs["synthesis.b4.const"][4, 1, 2]
        assert (
            ours["synthesis.8x8.noise"][0, 3, 7, 0]
            == theirs["synthesis.b8.conv1.noise_const"][3, 7]
        )
        assert ours["synthesis.8x8_up.strength"] == theirs["synthesis.b8.conv0.noise_strength"]
        assert ours["mapping.dense0.kernel"][11, 2] == theirs["mapping.fc0.weight"][2, 11]
        np.testing.assert_array_equal(ours["w_mean"], theirs["mapping.w_avg"])
    ours, theirs = found["D"], stored["D"]
    for o, c, y, x in ((0, 0, 0, 0), (5, 3, 1, 2), (2, 5, 3, 0)):
        assert ours["4x4_dense.kernel"][(4 * y + x) * 6 + c, o] == (
            theirs["b4.fc.weight"][o, 16 * c + 4 * y + x]
        )
    assert ours["8x8.down.kernel"][2, 1, 3, 5] == theirs["b8.conv1.weight"][5, 3, 2, 1]
    assert ours["8x8.skip.kernel"][0, 0, 3, 5] == theirs["b8.skip.weight"][5, 3, 0, 0]
    assert ours["from_rgb.kernel"][0, 0, 2, 1] == theirs["b8.fromrgb.weight"][1, 2, 0, 0]
    assert ours["label_mapping.embedding.kernel"][2, 5] == theirs["mapping.embed.weight"][5, 2]
    assert ours["label_mapping.dense7.kernel"][4, 5] == theirs["mapping.fc7.weight"][5, 4]


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_tensorflow_file_is_read_like_a_pytorch_file_of_the_same_networks(nvidia, read, protocol):
    content = nvidia.networks()
    content["D"].find("b4.mbstd").attributes["group_size"] = 4  # that program's default
    expected = read(nvidia.pytorch(content))
    found = read(nvidia.tensorflow(nvidia.of_tensorflow(content), protocol))
    assert found.settings == expected.settings
    for name, of in values_of(expected).items():
        for path, values in values_of(found)[name].items():
            np.testing.assert_allclose(values, of[path], atol=1e-7, err_msg=path)


def test_a_tensorflow_file_keeps_style_biases_to_the_last_bit(nvidia, read):
    networks = nvidia.of_tensorflow(nvidia.networks())
    variables = dict(networks[0].state["components"]["synthesis"].state["variables"])
    found = values_of(read(nvidia.tensorflow(networks)))["G"]
    np.testing.assert_array_equal(
        found["synthesis.4x4.convolution.style.bias"], variables["4x4/Conv/mod_bias"]
    )
    # That program correlates, ours keeps kernels for a transposed convolution.
    np.testing.assert_array_equal(
        found["synthesis.8x8_up.convolution.kernel"],
        np.einsum("hwio->hwoi", variables["8x8/Conv0_up/weight"][::-1, ::-1]),
    )


# What is changed in a PyTorch file, and the words of the refusal.
FOREIGN = {
    "skip D": ("D", "b8", {"architecture": "skip"}, "b8.architecture is 'skip'"),
    "resnet G": ("G_ema", "synthesis.b4", {"architecture": "resnet"}, "architecture is 'resnet'"),
    "no noise": ("G", "synthesis.b4.conv1", {"use_noise": False}, "use_noise is False"),
    "activation": ("G_ema", "mapping.fc1", {"activation": "relu"}, "fc1.activation is 'relu'"),
    "embed": ("G", "synthesis.b8.torgb.affine", {"activation": "lrelu"}, "activation"),
    "gain": ("D", "b4.fc", {"weight_gain": 0.5}, "b4.fc.weight_gain is 0.5"),
    "rate": ("D", "b4.out", {"bias_gain": 0.1}, "bias_gain"),
    "gains": ("D", "b8.conv0", {"act_gain": 1}, "act_gain is 1,"),
    "up": ("G", "synthesis.b8.conv1", {"up": 2}, "up is 2,"),
    "rates": ("G_ema", "mapping.fc1", {"bias_gain": 0.02, "weight_gain": 0.02 / 7**0.5}, "single"),
    "depth": ("D", "mapping", {"num_layers": 2}, "D.mapping.num_layers is 2"),
    "clamps": ("G", "synthesis.b4.conv1", {"conv_clamp": 5}, "no single conv_clamp"),
    "shortcut": ("D", "b8.skip", {"conv_clamp": 256}, "skip.conv_clamp"),
    "whole batch": ("D", "b4.mbstd", {"group_size": None}, "group_size is None"),
    "two features": ("D", "b4.mbstd", {"num_channels": 2}, "num_channels is 2,"),
    "attribute": ("G", "synthesis.b4", {"attention": True}, "has the attribute attention"),
    "unhashable": ("G", "synthesis.b4.conv1", {"conv_clamp": [1]}, "no single conv_clamp"),
    "no decay": ("G", "mapping", {"w_avg_beta": None}, "no single w_avg_beta"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_network_that_is_not_here_is_refused_by_what_differs(nvidia, read, case):
    network, path, attributes, words = FOREIGN[case]
    content = nvidia.networks(classes=3, clamp=256)
    content[network].find(path).attributes |= attributes
    with pytest.raises(UserError) as refusal:
        read(nvidia.pytorch(content))
    assert words in str(refusal.value), refusal.value
    assert len(str(refusal.value).splitlines()) <= 2


def test_other_arrays_are_refused_by_name(nvidia, read):
    def change(network, path, part, name, value):
        content = nvidia.networks()
        held = getattr(content[network].find(path), part)
        if value is None:
            del held[name]
        else:
            held[name] = value
        return content

    box = np.ones((2, 2), np.float32) / 4
    infinite = np.full(7, np.nan, np.float32)
    cases = {
        "another low-pass filter": change("G", "synthesis.b8", "buffers", "resample_filter", box),
        "it has no G_ema.mapping.w_avg": change("G_ema", "mapping", "buffers", "w_avg", None),
        "not finite": change("G", "mapping", "buffers", "w_avg", infinite),
        "belongs to no layer": change("D", "b4.fc", "parameters", "more", infinite),
        "does not fit": change("D", "b4.out", "parameters", "bias", infinite),
        "feature maps": change(
            "G_ema",
            "synthesis.b8.conv1",
            "parameters",
            "weight",
            np.zeros((7, 7, 3, 3), np.float32),
        ),
    }
    for words, content in cases.items():
        with pytest.raises(UserError) as refusal:
            values_of(read(nvidia.pytorch(content)))
        assert words in str(refusal.value), (words, refusal.value)


def test_other_families_are_named(nvidia, read):
    content = nvidia.networks()
    content["G"].find("synthesis").inner["input"] = nvidia.Module("SynthesisInput")
    with pytest.raises(UserError, match="it is a StyleGAN3"):
        read(nvidia.pytorch(content))
    content = nvidia.networks()
    content["G_ema"].find("synthesis.b8").inner["attention"] = nvidia.Module("SelfAttention")
    with pytest.raises(UserError, match="attention is a SelfAttention"):
        read(nvidia.pytorch(content))
    networks = nvidia.of_tensorflow(nvidia.networks())
    networks[0].state["build_func_name"] = "G_style"
    with pytest.raises(UserError, match="a StyleGAN, the first one"):
        read(nvidia.tensorflow(networks))
    with pytest.raises(UserError, match="it holds a list"):
        read(nvidia.tensorflow([1, 2]))
    with pytest.raises(UserError, match="no network G: expected a dictionary of G, D and G_ema"):
        read(nvidia.tensorflow({"state_dict": {}}))


# An argument of a TensorFlow file's networks, and the words of the refusal.
ARGUMENTS = [
    ("D", {"architecture": "orig"}, "D's architecture is 'orig'"),
    ("G", {"architecture": "resnet"}, "G's architecture is 'resnet'"),
    ("G", {"fmap_decay": 0.5}, "fmap_decay"),
    ("G", {"resample_kernel": None}, "resample_kernel"),
    ("G", {"nonlinearity": "relu"}, "nonlinearity"),
    ("D", {"mbstd_num_features": 0}, "mbstd_num_features"),
    ("D", {"mbstd_group_size": None}, "mbstd_group_size is None"),
    ("D", {"use_spectral_norm": True}, "use_spectral_norm"),
    ("G", {"something_new": 1}, "argument 'something_new', of which nothing is known"),
    ("G", {"mapping_lrmul": "x"}, "mapping_lrmul is 'x'"),
    ("G", {"style_mixing_prob": None, "conv_clamp": 7}, "different arguments"),
]


@pytest.mark.parametrize("network, arguments, words", ARGUMENTS)
def test_other_arguments_of_tensorflow_are_refused_by_name(nvidia, read, network, arguments, words):
    networks = nvidia.of_tensorflow(nvidia.networks())
    changed = networks[0::2] if network == "G" and "different" not in words else networks[:1]
    for one in networks[1:2] if network == "D" else changed:
        one.state["static_kwargs"] |= arguments
    with pytest.raises(UserError) as refusal:
        read(nvidia.tensorflow(networks))
    assert words in str(refusal.value), refusal.value


def test_arguments_of_tensorflow_become_settings(nvidia, read):
    networks = nvidia.of_tensorflow(nvidia.networks())
    for one in networks:
        one.state["static_kwargs"] |= {"conv_clamp": 256, "num_fp16_res": 4}
    networks[1].state["build_func_name"] = "D_main"
    networks[1].state["static_kwargs"] |= {"mbstd_group_size": 8}
    for one in networks[::2]:
        one.state["static_kwargs"] |= {"mapping_lrmul": 0.1, "dlatent_avg_beta": 0.9}
    found = read(nvidia.tensorflow(networks))
    assert found.settings["generator.conv_clamp"] == 256
    assert found.settings["discriminator.minibatch_stddev_group"] == 8
    assert found.settings["generator.mapping_learning_rate_multiplier"] == 0.1
    assert found.settings["generator.w_mean_decay"] == 0.9
    assert len(found.notes) == 1


def test_stylegan2s_own_labels_are_refused(nvidia, read):
    networks = nvidia.of_tensorflow(nvidia.networks())
    mapping = networks[0].state["components"]["mapping"]
    mapping.state["variables"].append(("LabelConcat/weight", np.zeros((3, 5), np.float32)))
    with pytest.raises(UserError, match="normalises label and z together"):
        read(nvidia.tensorflow(networks))


def test_modules_inside_themselves_end_in_a_refusal(nvidia):
    module = nvidia.networks()["G"]
    root = pytorch_networks.Module(
        {"type": "class", "class_name": "Generator", "state": {"_modules": {}}}
    )
    root.attributes["_modules"]["again"] = root
    with pytest.raises(UserError, match="is a module that is elsewhere too"):
        pytorch_networks.read({"G": root, "D": root, "G_ema": root})
    assert module.kind == "Generator" and issubclass(Network, object)


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_cut_file_is_no_pickle(nvidia, read, cut):
    content = nvidia.pytorch(nvidia.networks())
    with pytest.raises(UserError) as refusal:
        read(content[:cut])
    assert "Nothing in the file was run, and nothing was written." in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 2


@pytest.mark.parametrize("layers, rate", [(0, 0.1), (2, 0.05)])
def test_labels_of_a_tensorflow_file_may_be_mapped_by_any_layers(nvidia, read, layers, rate):
    content = nvidia.networks(3)
    mapping = content["D"].find("mapping")
    for place in range(layers, 8):
        del mapping.inner[f"fc{place}"]
    networks = nvidia.of_tensorflow(content)
    arguments = {"label_size": 3, "mapping_layers": layers, "mapping_lrmul": rate}
    if layers == 0:  # that program's defaults
        arguments = {"label_size": 3}
    networks[1].state["static_kwargs"] |= arguments
    found = read(nvidia.tensorflow(networks))
    assert found.settings["discriminator.label_layers"] == layers
    assert found.settings["discriminator.label_learning_rate_multiplier"] == rate
    ours = values_of(found)["D"]
    embedding = ours["label_mapping.embedding.kernel"]
    np.testing.assert_array_equal(embedding, mapping.inner["embed"].parameters["weight"].T)
    assert sum(name.startswith("label_mapping.dense") for name in ours) == 2 * layers


def test_two_variables_for_one_place_are_refused(nvidia, read):
    networks = nvidia.of_tensorflow(nvidia.networks())
    variables = networks[1].state["variables"]
    (kernel,) = (values for name, values in variables if name == "8x8/Conv1_down/weight")
    variables.append(("8x8/Conv1/weight", kernel))
    with pytest.raises(UserError, match="D has two variables for the place of 8x8/Conv1/weight"):
        read(nvidia.tensorflow(networks))
    variables[-1] = ("8x8/Conv1_down/weight", kernel)
    with pytest.raises(UserError, match="two variables 8x8/Conv1_down/weight"):
        read(nvidia.tensorflow(networks))


def test_parts_and_modules_in_two_places_are_refused(nvidia, read):
    """Walks through what is shared twice at each of many levels would not end."""
    networks = nvidia.of_tensorflow(nvidia.networks())
    parts = networks[0].state["components"]
    parts["again"] = parts["mapping"]
    with pytest.raises(UserError, match="one part twice"):
        read(nvidia.tensorflow(networks))
    content = nvidia.networks()
    block = content["G"].find("synthesis.b8")
    block.inner["again"] = block.inner["conv1"]
    with pytest.raises(UserError, match="G.synthesis.b8.again is a module that is elsewhere too"):
        read(nvidia.pytorch(content))


def test_hostile_values_are_neither_shown_whole_nor_compared(nvidia, read):
    doubled: list = []
    for _ in range(60):
        doubled = [doubled, doubled]
    deep: list = []
    for _ in range(300):
        deep = [deep]
    for value in (doubled, deep, 10**5000, "x" * 10_000):
        networks = nvidia.of_tensorflow(nvidia.networks())
        for one in networks[::2]:
            one.state["static_kwargs"]["truncation_psi"] = value
        with pytest.raises(UserError, match="argument 'truncation_psi', which is") as refusal:
            read(nvidia.tensorflow(networks))
        assert len(str(refusal.value)) < 500
        networks = nvidia.of_tensorflow(nvidia.networks())
        networks[0].state["build_func_name"] = value
        with pytest.raises(UserError, match="G was made by") as refusal:
            read(nvidia.tensorflow(networks))
        assert len(str(refusal.value)) < 500
        for place, name in (("b4.mbstd", "group_size"), ("b8.conv0", "activation")):
            content = nvidia.networks()
            content["D"].find(place).attributes[name] = value
            with pytest.raises(UserError, match=name) as refusal:
                read(nvidia.pytorch(content))
            assert len(str(refusal.value)) < 500


def test_names_of_modules_and_arrays_are_words(nvidia, read):
    for part in ("inner", "parameters"):
        for name in ("a\x1b[2J", "a.b", "x" * 100):
            content = nvidia.networks()
            getattr(content["G"].find("mapping"), part)[name] = (
                nvidia.Module("MappingNetwork") if part == "inner" else np.zeros(3, np.float32)
            )
            with pytest.raises(UserError, match="of NVIDIA's") as refusal:
                read(nvidia.pytorch(content))
            assert str(refusal.value).replace("\n", "").isprintable()


def test_a_whole_file_that_torch_saved_is_read_like_a_pickle(nvidia, read):
    content = nvidia.networks(classes=3)
    expected, found = read(nvidia.pytorch(content)), read(nvidia.archive(content))
    assert found.settings == expected.settings
    for name, of in expected.arrays.items():
        for path, values in of.items():
            np.testing.assert_array_equal(found.arrays[name][path], values, err_msg=path)


@pytest.mark.parametrize(
    "error",
    [
        *(OverflowError("too large"), AttributeError("no 'get'"), KeyError("a"), TypeError("a")),
        *(ValueError(""), RuntimeError("encrypted"), RecursionError("depth"), zlib.error("-3")),
        *(struct.error("4 bytes"), EOFError()),
    ],
)
def test_whatever_a_damaged_file_leads_to_is_told_of_the_file(monkeypatch, tmp_path, error):
    def read(path, content):
        raise error

    path = tmp_path / "networks.pkl"
    path.touch()
    monkeypatch.setattr(network_file, "_read", read)
    with pytest.raises(UserError, match=r"networks.pkl: it is damaged \(") as refusal:
        network_file.read(str(path))
    assert len(str(refusal.value).splitlines()) == 2
    error = MemoryError()
    with pytest.raises(UserError, match="networks.pkl: it needs more memory than there is free"):
        network_file.read(str(path))


def test_what_is_said_of_a_file_is_printed_without_its_control_characters(read):
    name = "os\x1b[2J\nsystem".encode()
    short = b"\x8c" + bytes([len(name)]) + name
    with pytest.raises(UserError, match=r"asks for os\?\[2J\?system") as refusal:
        read(b"\x80\x04" + short + short + b"\x93.")
    assert len(str(refusal.value).splitlines()) == 2


@pytest.mark.parametrize("kind", ["pytorch", "tensorflow", "archive", "safetensors", "npz"])
def test_damaged_files_end_in_two_lines(nvidia, tmp_path, kind):
    """Some bytes are changed, cut out or written twice; a change inside of a number may pass."""
    content = nvidia.networks(classes=3)
    if kind in ("safetensors", "npz"):
        (tmp_path / "whole.pkl").write_bytes(nvidia.pytorch(content))
        found = network_file.read(str(tmp_path / "whole.pkl"))
        whole = array_files.write_safetensors(found)
        if kind == "npz":
            arrays = {f"{n}.{name}": a for n, of in found.arrays.items() for name, a in of.items()}
            np.savez(file := io.BytesIO(), **arrays)
            whole = file.getvalue()
    else:
        networks = nvidia.of_tensorflow(content) if kind == "tensorflow" else content
        whole = getattr(nvidia, kind)(networks)
    path = tmp_path / f"damaged.{kind if kind in ('safetensors', 'npz') else 'pkl'}"
    random = np.random.default_rng(1)
    refused = 0
    for _ in range(20):
        begin, size = random.integers(len(whole)), random.integers(1, 20)
        other = [random.bytes(size), b"", 2 * whole[begin : begin + size]][random.integers(3)]
        path.write_bytes(whole[:begin] + other + whole[begin + size :])
        try:
            network_file.read(str(path))
        except UserError as refusal:
            refused += 1
            assert f"{path}: " in str(refusal) and len(str(refusal).splitlines()) == 2
    assert refused
