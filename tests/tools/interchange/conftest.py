"""Files as NVIDIA's programs write them, made without any of their code."""

import contextlib
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest

LOWPASS = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 64
WIDTHS = {4: 6, 8: 4}
Z, W, DEPTH = 5, 7, 2


class Module:
    """A module of PyTorch to be: its class, its arrays, its attributes, and those inside it."""

    def __init__(self, kind: str, parameters=(), buffers=(), **attributes):
        self.kind, self.attributes = kind, attributes
        self.parameters, self.buffers = dict(parameters), dict(buffers)
        self.inner: dict[str, Module] = {}

    def find(self, path: str) -> "Module":
        """The module at a path with dots."""
        name, _, rest = path.partition(".")
        return self.inner[name].find(rest) if name else self

    def state(self) -> dict:
        """What PyTorch keeps in a module, and the names of its own that nothing reads."""
        return {
            "training": False,
            "_parameters": self.parameters,
            "_buffers": self.buffers,
            "_non_persistent_buffers_set": set(),
            "_backward_hooks": {},
            "_modules": self.inner,
            "_init_kwargs": {"any": 1},
            **self.attributes,
        }

    def arrays(self, prefix: str = "") -> dict[str, np.ndarray]:
        """Every array by its path."""
        own = {prefix + name: value for name, value in {**self.parameters, **self.buffers}.items()}
        for name, module in self.inner.items():
            own |= module.arrays(f"{prefix}{name}.")
        return own


def _dense(random, inputs, outputs, activation="linear", rate=1.0, first=0.0):
    weight = random.standard_normal((outputs, inputs)).astype(np.float32) / rate
    bias = (first + 0.1 * random.standard_normal(outputs)).astype(np.float32)
    return Module(
        "FullyConnectedLayer",
        {"weight": weight, "bias": bias},
        activation=activation,
        weight_gain=rate / inputs**0.5,
        bias_gain=rate,
    )


def _mapping(random, inputs, w, depth, classes, **attributes):
    found = Module("MappingNetwork", z_dim=inputs, c_dim=classes, w_dim=w, num_layers=depth)
    found.attributes |= attributes
    if classes:
        found.inner["embed"] = _dense(random, classes, w)
    sizes = [inputs + (w if classes else 0)] + [w] * depth
    for i in range(depth):
        found.inner[f"fc{i}"] = _dense(random, sizes[i], w, "lrelu", 0.01)
    return found


def _kernel(random, outputs, inputs, side):
    return random.standard_normal((outputs, inputs, side, side)).astype(np.float32)


def _synthesis_layer(random, inputs, outputs, side, up, clamp):
    made = Module(
        "SynthesisLayer",
        {
            "weight": _kernel(random, outputs, inputs, 3),
            "noise_strength": np.array(random.standard_normal(), np.float32),
            "bias": random.standard_normal(outputs).astype(np.float32),
        },
        {
            "resample_filter": LOWPASS,
            "noise_const": random.standard_normal((side, side)).astype(np.float32),
        },
        **{"resolution": side, "up": up, "use_noise": True, "activation": "lrelu"},
        **{"conv_clamp": clamp, "padding": 1, "act_gain": 2**0.5},
    )
    made.inner["affine"] = _dense(random, W, inputs, first=1.0)
    return made


def _convolution(random, inputs, outputs, side, clamp=None, down=1, skip=False):
    parameters = {"weight": _kernel(random, outputs, inputs, side)}
    if not skip:
        parameters["bias"] = random.standard_normal(outputs).astype(np.float32)
    return Module(
        "Conv2dLayer",
        parameters,
        {"resample_filter": LOWPASS},
        **({"bias": None} if skip else {}),
        **{"activation": "linear" if skip else "lrelu", "up": 1, "down": down},
        **{"conv_clamp": None if skip else clamp, "padding": side // 2},
        **{"weight_gain": (inputs * side**2) ** -0.5, "act_gain": 1 if skip else 2**0.5},
    )


def make_generator(seed: int, classes: int = 0, clamp=None, half: bool = False) -> Module:
    """A generator of 8x8 images."""
    random = np.random.default_rng(seed)
    made = Module("Generator", z_dim=Z, c_dim=classes, w_dim=W, img_resolution=8, img_channels=3)
    synthesis = made.inner["synthesis"] = Module("SynthesisNetwork", w_dim=W, num_ws=4)
    inputs = 0
    for side, width in WIDTHS.items():
        block = Module("SynthesisBlock", {}, {"resample_filter": LOWPASS}, architecture="skip")
        block.attributes |= {"use_fp16": half, "is_last": side == 8, "resolution": side}
        if inputs:
            block.inner["conv0"] = _synthesis_layer(random, inputs, width, side, 2, clamp)
        else:
            block.parameters["const"] = random.standard_normal((width, 4, 4)).astype(np.float32)
        block.inner["conv1"] = _synthesis_layer(random, width, width, side, 1, clamp)
        block.inner["torgb"] = Module(
            "ToRGBLayer",
            {
                "weight": _kernel(random, 3, width, 1),
                "bias": random.standard_normal(3).astype(np.float32),
            },
            conv_clamp=clamp,
            weight_gain=width**-0.5,
        )
        block.inner["torgb"].inner["affine"] = _dense(random, W, width, first=1.0)
        synthesis.inner[f"b{side}"] = block
        inputs = width
    made.inner["mapping"] = _mapping(random, Z, W, DEPTH, classes, num_ws=4, w_avg_beta=0.995)
    made.inner["mapping"].buffers["w_avg"] = random.standard_normal(W).astype(np.float32)
    return made


def make_discriminator(seed: int, classes: int = 0, clamp=None) -> Module:
    """A discriminator of 8x8 images."""
    random = np.random.default_rng(seed)
    made = Module("Discriminator", c_dim=classes, img_resolution=8, img_channels=3)
    wide, narrow = WIDTHS[4], WIDTHS[8]
    block = Module("DiscriminatorBlock", {}, {"resample_filter": LOWPASS}, architecture="resnet")
    block.inner["fromrgb"] = _convolution(random, 3, narrow, 1, clamp)
    block.inner["conv0"] = _convolution(random, narrow, narrow, 3, clamp)
    block.inner["conv1"] = _convolution(random, narrow, wide, 3, clamp, down=2)
    block.inner["skip"] = _convolution(random, narrow, wide, 1, down=2, skip=True)
    tail = Module("DiscriminatorEpilogue", architecture="resnet", cmap_dim=wide if classes else 0)
    tail.inner["mbstd"] = Module("MinibatchStdLayer", group_size=3, num_channels=1)
    tail.inner["conv"] = _convolution(random, wide + 1, wide, 3, clamp)
    tail.inner["fc"] = _dense(random, 16 * wide, wide, "lrelu")
    tail.inner["out"] = _dense(random, wide, wide if classes else 1)
    made.inner |= {"b8": block, "b4": tail}
    if classes:
        made.inner["mapping"] = _mapping(random, 0, wide, 8, classes, num_ws=None, w_avg_beta=None)
    return made


def make_networks(classes: int = 0, clamp=None, half: bool = False) -> dict:
    """What a pickle of stylegan2-ada-pytorch holds."""
    return {
        "G": make_generator(1, classes, clamp, half),
        "D": make_discriminator(2, classes, clamp),
        "G_ema": make_generator(3, classes, clamp, half),
        "training_set_kwargs": EasyDict(path="/data"),
        "augment_pipe": None,
    }


class EasyDict(dict):
    """Stands for dnnlib's."""


EasyDict.__module__, EasyDict.__qualname__ = "dnnlib.util", "EasyDict"


class Network:
    """A network of dnnlib.tflib to be."""

    def __init__(self, state: dict):
        self.state = state

    def __getstate__(self):
        return self.state

    def __setstate__(self, state):
        self.state = state


Network.__module__, Network.__qualname__ = "dnnlib.tflib.network", "Network"


def _function(name: str):
    def function(*_):
        raise AssertionError(f"{name} was called")

    module, _, function.__name__ = name.rpartition(".")
    function.__module__, function.__qualname__ = module, function.__name__
    return function


FUNCTIONS = {
    name: _function(name)
    for name in (
        "torch_utils.persistence._reconstruct_persistent_obj",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        "torch.storage._load_from_bytes",
        "torch.FloatStorage",
    )
}


@contextlib.contextmanager
def _importable():
    """The names that pickles of NVIDIA's programs hold, while one is written."""
    named = {**FUNCTIONS, "dnnlib.util.EasyDict": EasyDict, "dnnlib.tflib.network.Network": Network}
    before = dict(sys.modules)
    try:
        for name, value in named.items():
            module, _, attribute = name.rpartition(".")
            for end in range(1, module.count(".") + 2):  # with the packages around it
                package = ".".join(module.split(".")[:end])
                sys.modules.setdefault(package, types.ModuleType(package))
            setattr(sys.modules[module], attribute, value)
        yield
    finally:
        for name in sys.modules.keys() - before.keys():
            del sys.modules[name]


class _Pickler(pickle.Pickler):
    """Writes modules and tensors as PyTorch does."""

    def reducer_override(self, value):
        if isinstance(value, Module):
            meta = {"type": "class", "version": 6, "class_name": value.kind}
            meta |= {"module_src": "raise SystemExit('was run')", "state": value.state()}
            return FUNCTIONS["torch_utils.persistence._reconstruct_persistent_obj"], (meta,)
        if isinstance(value, np.ndarray):
            return _tensor(value)
        return NotImplemented


class _Storage:
    """The numbers of a tensor, of which torch.save keeps a persistent id."""

    def __init__(self, count: int, key: str = "7"):
        self.count, self.key = count, key


class _StoragePickler(_Pickler):
    def persistent_id(self, value):
        if isinstance(value, _Storage):
            return ("storage", FUNCTIONS["torch.FloatStorage"], value.key, "cpu", value.count)
        return None


class _ArchivePickler(_StoragePickler):
    """Writes the data.pkl of an archive, and keeps the numbers of its tensors."""

    def __init__(self, file):
        super().__init__(file, protocol=2)
        self.storages: list[bytes] = []

    def reducer_override(self, value):
        if not isinstance(value, np.ndarray):
            return super().reducer_override(value)
        storage = _Storage(value.size, str(len(self.storages)))
        self.storages.append(value.astype("<f4").tobytes())
        stride = tuple(int(np.prod(value.shape[i + 1 :])) for i in range(value.ndim))
        arguments = (storage, 0, value.shape, stride, False, {})
        return FUNCTIONS["torch._utils._rebuild_tensor_v2"], arguments


def archive(content: object, compression: int = zipfile.ZIP_STORED) -> bytes:
    """What torch.save writes since PyTorch 1.6."""
    pickler = _ArchivePickler(pickled := io.BytesIO())
    with _importable():
        pickler.dump(content)
    with zipfile.ZipFile(file := io.BytesIO(), "w", compression) as made:
        made.writestr("archive/data.pkl", pickled.getvalue())
        made.writestr("archive/byteorder", "little")
        for key, numbers in enumerate(pickler.storages):
            made.writestr(f"archive/data/{key}", numbers)
        made.writestr("archive/version", "3\n")
    return file.getvalue()


def archive_of_storage(values: np.ndarray) -> bytes:
    """What torch.save writes since PyTorch 1.6 of a storage alone."""
    with _importable():
        _StoragePickler(pickled := io.BytesIO(), protocol=2).dump(_Storage(values.size, "0"))
    with zipfile.ZipFile(file := io.BytesIO(), "w") as made:
        made.writestr("archive/data.pkl", pickled.getvalue())
        made.writestr("archive/data/0", values.astype("<f4").tobytes())
    return file.getvalue()


def storage_bytes(values: np.ndarray) -> bytes:
    """What torch.save writes of a storage in its older form."""
    file = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(part, file, protocol=2)
    with _importable():
        _StoragePickler(file, protocol=2).dump(_Storage(values.size))
    pickle.dump(["7"], file, protocol=2)
    return file.getvalue() + struct.pack("<q", values.size) + values.astype("<f4").tobytes()


def _tensor(values: np.ndarray):
    """A tensor as PyTorch pickles it, with its numbers in reverse order of axes where it can."""
    flat = np.asarray(values).T.reshape(-1)
    stride = tuple(int(np.prod(values.shape[:i])) for i in range(values.ndim))
    load = FUNCTIONS["torch.storage._load_from_bytes"]
    storage = _Reduced(load, (storage_bytes(flat),))
    arguments = (storage, 0, values.shape, stride, False, {})
    return FUNCTIONS["torch._utils._rebuild_tensor_v2"], arguments


class _Reduced:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


class Nvidia:
    """Writes NVIDIA's files.

    A fixture and not functions, because test files cannot import each other.
    """

    networks = staticmethod(make_networks)
    storage_bytes = staticmethod(storage_bytes)
    archive = staticmethod(archive)
    archive_of_storage = staticmethod(archive_of_storage)
    Module, Network = Module, Network

    def stylegan3(self) -> bytes:
        """A pickle of stylegan3's own networks: their modules, with arrays of one number."""
        one = np.ones((1, 1), np.float32)
        generator = Module("Generator", z_dim=Z, c_dim=0, w_dim=W, img_resolution=16)
        generator.inner["synthesis"] = synthesis = Module("SynthesisNetwork", num_layers=14)
        made = Module("SynthesisInput", {"weight": one}, {"transform": one, "freqs": one})
        synthesis.inner["input"] = made
        made.inner["affine"] = Module("FullyConnectedLayer", {"weight": one})
        for name in ("L0_36_4", "L14_16_3"):
            layer = Module("SynthesisLayer", {"weight": one}, {"up_filter": one}, up_factor=2)
            synthesis.inner[name] = layer
        generator.inner["mapping"] = Module("MappingNetwork", {}, {"w_avg": one}, num_layers=2)
        networks = {"G": generator, "D": make_discriminator(2), "G_ema": generator}
        return self.pytorch({**networks, "training_set_kwargs": {}, "augment_pipe": None})

    def pytorch(self, content: object) -> bytes:
        """A pickle of stylegan2-ada-pytorch."""
        file = io.BytesIO()
        with _importable():
            _Pickler(file, protocol=4).dump(content)
        return file.getvalue()

    def tensorflow(self, networks: object, protocol: int = 4) -> bytes:
        """A pickle of stylegan2 or stylegan2-ada."""
        with _importable():
            return pickle.dumps(networks, protocol=protocol)

    def of_tensorflow(self, content: dict) -> tuple:
        """The same networks as TensorFlow's programs would have them, G, D and the average."""
        return tuple(self._network(name, content[name]) for name in ("G", "D", "G_ema"))

    def _network(self, name: str, module: Module) -> Network:
        variables = {}
        for path, values in module.arrays().items():
            if "resample_filter" not in path:
                renamed, values = _in_tensorflow(path, values, name == "D")
                variables[renamed] = values
        parts = {}
        for part in ("mapping", "synthesis") if name != "D" else ():
            own = [(n.partition("/")[2], v) for n, v in variables.items() if n.startswith(part)]
            parts[part] = Network(self._state(f"G_{part}", own, {}))
        own = [pair for pair in variables.items() if pair[0].partition("/")[0] not in parts]
        own.append(("lod", np.float32(0)))
        return Network(self._state("D_stylegan2" if name == "D" else "G_main", own, parts))

    def _state(self, function: str, variables: list, parts: dict) -> dict:
        return {
            "version": 4,
            "name": function[0],
            "static_kwargs": {"resolution": 8, "num_channels": 3, "fmap_base": 16, "fmap_max": 6},
            "components": parts,
            "build_module_src": "raise SystemExit('was run')",
            "build_func_name": function,
            "variables": variables,
        }


def _in_tensorflow(path: str, values: np.ndarray, of_discriminator: bool):
    """The name and the values of an array in TensorFlow's programs."""
    *modules, array = path.split(".")
    if path == "mapping.w_avg":
        return "dlatent_avg", values
    if modules[0] == "mapping":
        layer = modules[1].replace("fc", "Dense").replace("embed", "LabelEmbed")
        if of_discriminator:
            return f"{layer.replace('Dense', 'Mapping')}/{array}", values.T
        return f"mapping/{layer}/{array}", values.T
    if path == "synthesis.b4.const":
        return "synthesis/4x4/Const/const", values[None]
    if array == "noise_const":
        side, second = int(modules[1][1:]), modules[2] == "conv1"
        number = 2 * (side.bit_length() - 1) - (4 if second else 5)
        return f"synthesis/noise{number}", values[None, None]
    side = modules[0 if of_discriminator else 1][1:]
    block, layer = f"{side}x{side}", modules[1 if of_discriminator else 2]
    if of_discriminator:
        names = {"fromrgb": "FromRGB", "conv0": "Conv0", "conv1": "Conv1_down", "skip": "Skip"}
        names |= {"conv": "Conv", "fc": "Dense0"}
        place = "Output" if layer == "out" else f"{block}/{names[layer]}"
    else:
        first = "Conv" if side == "4" else "Conv1"
        names = {"conv0": "Conv0_up", "conv1": first, "torgb": "ToRGB"}
        place = f"synthesis/{block}/{names[layer]}"
    if modules[-1] == "affine":
        return f"{place}/mod_{array}", values.T if array == "weight" else values - 1
    if values.ndim == 4:
        values = np.einsum("oihw->hwio", values)
        values = values[::-1, ::-1] if layer == "conv0" and not of_discriminator else values
    return f"{place}/{array}", values.T if values.ndim == 2 else values


@pytest.fixture(scope="session")
def nvidia() -> Nvidia:
    """Writes NVIDIA's files."""
    return Nvidia()
