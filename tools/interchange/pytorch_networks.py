"""StyleGAN2 as stylegan2-ada-pytorch, and stylegan3's stylegan2, keep it: modules, read as data.

What a module computes follows from its class and its attributes. The source of the class stands in
the file too; it is not looked at, and so a class, an attribute or a value that is not NVIDIA's ends
the reading: what cannot be the same here is refused by its name.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from dualcontrast.tools.interchange import pickled_arrays, published
from dualcontrast.tools.interchange.pickle_machine import shown
from dualcontrast.tools.interchange.pickled_networks import Module, is_name
from dualcontrast.trainer.errors import UserError

# What each class has besides its arrays. What is not compared with anything below either follows
# from the shapes of arrays or decides about speed alone.
_ATTRIBUTES = {
    "Generator": {"z_dim", "c_dim", "w_dim", "img_resolution", "img_channels", "num_ws"},
    "MappingNetwork": {"z_dim", "c_dim", "w_dim", "num_ws", "num_layers", "w_avg_beta"},
    "SynthesisNetwork": {
        *("w_dim", "img_resolution", "img_resolution_log2", "img_channels", "block_resolutions"),
        *("num_ws", "num_fp16_res"),
    },
    "SynthesisBlock": {
        *("in_channels", "w_dim", "resolution", "img_channels", "is_last", "architecture"),
        *("use_fp16", "channels_last", "num_conv", "num_torgb", "fused_modconv_default"),
    },
    "SynthesisLayer": {
        *("in_channels", "out_channels", "w_dim", "resolution", "up", "use_noise", "activation"),
        *("conv_clamp", "padding", "act_gain"),
    },
    "ToRGBLayer": {"in_channels", "out_channels", "w_dim", "conv_clamp", "weight_gain"},
    "FullyConnectedLayer": {
        *("in_features", "out_features", "activation", "weight_gain", "bias_gain"),
    },
    "Conv2dLayer": {
        *("in_channels", "out_channels", "activation", "up", "down", "conv_clamp", "padding"),
        *("weight_gain", "act_gain", "bias"),
    },
    "Discriminator": {
        *("c_dim", "img_resolution", "img_resolution_log2", "img_channels", "block_resolutions"),
    },
    "DiscriminatorBlock": {
        *("in_channels", "resolution", "img_channels", "first_layer_idx", "architecture"),
        *("use_fp16", "channels_last", "num_layers"),
    },
    "MinibatchStdLayer": {"group_size", "num_channels"},
    "DiscriminatorEpilogue": {
        *("in_channels", "cmap_dim", "resolution", "img_channels", "architecture"),
    },
}
_ARCHITECTURES = {
    "SynthesisBlock": "skip",
    "DiscriminatorBlock": "resnet",
    "DiscriminatorEpilogue": "resnet",
}
_DEPTH = 8  # of modules in modules
_MOST_IMAGES = 1 << 20  # of a batch


def read(content: dict) -> published.Published:
    """Returns the networks of a file's dictionary.

    Args:
      content: of the pickle, with `Module`s under G, D and G_ema.

    Raises:
      UserError: it holds something else, or networks that this project does not have.
    """
    roots = {}
    for name, kind in (("G", "Generator"), ("D", "Discriminator"), ("G_ema", "Generator")):
        root = content.get(name)
        if not isinstance(root, Module):
            raise UserError(f"it has no network {name}: expected a dictionary of G, D and G_ema")
        _refuse_other_families(name, root)
        if root.kind != kind:
            raise UserError(f"{name} is a {root.kind[:60]}, expected a {kind} of StyleGAN2")
        roots[name] = dict(_modules(name, root))
    arrays = {name: _arrays(modules) for name, modules in roots.items()}
    for name, modules in roots.items():
        for path, module in modules.items():
            _check(f"{name}.{path}".rstrip("."), module, arrays[name], path)
    settings = published.sizes(arrays) | _fields(roots)
    halves = any(
        module.attributes.get("use_fp16")
        for modules in roots.values()
        for module in modules.values()
    )
    note = "its highest resolutions compute in 16 bits; here all do in training.precision"
    return published.Published(settings, arrays, (note,) if halves else ())


def _refuse_other_families(network: str, root: Module) -> None:
    if any(module.kind == "SynthesisInput" for _, module in _modules(network, root)):
        raise UserError("it is a StyleGAN3, which this project does not have; StyleGAN2 it reads")


def _modules(network: str, root: Module, path: str = "", above: set[int] | None = None) -> Iterator:
    """Yields every module with its path; none may be in two places, or in itself."""
    if path.count(".") >= _DEPTH:
        raise UserError(f"{network}.{path} has modules in modules without an end")
    met = set() if above is None else above
    if id(root) in met:
        raise UserError(f"{network}.{path} is a module that is elsewhere too")
    met.add(id(root))
    yield path, root
    inner = root.attributes.get("_modules")
    if not isinstance(inner, dict):
        raise UserError(f"{network}.{path} is no module of PyTorch")
    for name, module in inner.items():
        if module is None:
            continue
        if not isinstance(module, Module) or not is_name(name):
            raise UserError(f"{network}.{path}: {shown(name)} is no module of NVIDIA's")
        yield from _modules(network, module, f"{path}.{name}".lstrip("."), met)


def _arrays(modules: dict[str, Module]) -> dict[str, np.ndarray]:
    found = {}
    for path, module in modules.items():
        for part in ("_parameters", "_buffers"):
            held = module.attributes.get(part)
            for name, value in (held if isinstance(held, dict) else {}).items():
                if value is not None:
                    if not is_name(name):
                        raise UserError(f"{path}: {shown(name)} is no array of NVIDIA's")
                    name = f"{path}.{name}".lstrip(".")
                    found[name] = pickled_arrays.value_of(value, name)
    return found


def _check(full: str, module: Module, arrays: dict[str, np.ndarray], path: str) -> None:
    """Refuses a module that computes what no layer here does."""
    known = _ATTRIBUTES.get(module.kind)
    if known is None:
        raise UserError(f"{full} is a {module.kind[:60]}, which is no part of StyleGAN2")
    own = {name: value for name, value in module.attributes.items() if not name.startswith("_")}
    for name in own.keys() - known - {"training"}:
        raise UserError(
            f"{full} has the attribute {name[:60]}, which NVIDIA's {module.kind} has not"
        )
    for name, wanted in _expected(module, arrays, path).items():
        if not _same(own.get(name), wanted):
            raise UserError(
                f"{full}.{name} is {shown(own.get(name))}, and this project has {wanted!r}" " alone"
            )


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, float):
        return type(found) in (int, float) and math.isclose(found, wanted, rel_tol=1e-6)
    return type(found) is type(wanted) and found == wanted


def _expected(module: Module, arrays: dict[str, np.ndarray], path: str) -> dict[str, Any]:
    """Returns what the attributes of a module must be."""
    kind, name = module.kind, path.rpartition(".")[2]
    weight = arrays.get(f"{path}.weight", np.zeros((1, 1)))
    gain = math.prod(weight.shape[1:]) ** -0.5
    if kind in _ARCHITECTURES:
        return {"architecture": _ARCHITECTURES[kind]}
    if kind == "SynthesisLayer":
        ups = {"up": 2 if name == "conv0" else 1, "padding": 1}
        return {"activation": "lrelu", "use_noise": True, "act_gain": math.sqrt(2), **ups}
    if kind == "ToRGBLayer":
        return {"weight_gain": gain}
    if kind == "FullyConnectedLayer":
        mapped = bool(re.search(r"\bmapping\.fc\d+$", path))
        rate = module.attributes.get("bias_gain") if mapped else 1.0
        rate = float(rate) if type(rate) in (int, float) else 1.0
        activation = "lrelu" if mapped or name == "fc" else "linear"
        return {"activation": activation, "weight_gain": gain * rate, "bias_gain": rate}
    if kind == "Conv2dLayer":
        return {"weight_gain": gain, "up": 1, **_of_convolution(name, weight.shape[-1])}
    if kind == "MinibatchStdLayer":
        return {"num_channels": 1}
    return {}


def _of_convolution(name: str, side: int) -> dict[str, Any]:
    common = {"padding": side // 2, "down": 2 if name in ("conv1", "skip") else 1}
    if name == "skip":
        return common | {"activation": "linear", "act_gain": 1.0, "conv_clamp": None}
    return common | {"activation": "lrelu", "act_gain": math.sqrt(2)}


def _fields(roots: dict[str, dict[str, Module]]) -> dict[str, Any]:
    """Returns the settings that are attributes, after a look that they are the same everywhere."""
    discriminator = roots["D"]
    rates = {}
    for network, modules in roots.items():
        found = [
            module.attributes.get("bias_gain")
            for path, module in modules.items()
            if re.fullmatch(r"mapping\.fc\d+", path)
        ]
        depth = modules["mapping"].attributes.get("num_layers") if "mapping" in modules else 0
        if depth != len(found):
            raise UserError(
                f"{network}.mapping.num_layers is {shown(depth)}, and it has {len(found)}"
            )
        # Where there are no layers, both programs' value.
        rates[network] = _one(f"{network}.mapping", "learning rate multiplier", found, 0.01)
    if rates["G"] != rates["G_ema"]:
        raise UserError("G and G_ema have different learning rate multipliers of the mapping")
    decays = [roots[name]["mapping"].attributes.get("w_avg_beta") for name in ("G", "G_ema")]
    return {
        "generator.mapping_learning_rate_multiplier": rates["G_ema"],
        "generator.w_mean_decay": _one("G.mapping", "w_avg_beta", decays, 0.995),
        "generator.conv_clamp": _clamp("G", [*roots["G"].items(), *roots["G_ema"].items()]),
        "discriminator.conv_clamp": _clamp("D", list(discriminator.items())),
        "discriminator.label_learning_rate_multiplier": rates["D"],
        "discriminator.minibatch_stddev_group": _group(discriminator),
    }


def _one(where: str, what: str, found: list, default: float) -> float:
    """Returns the one number that all layers have; the default where there is no layer."""
    if not all(type(value) in (int, float) and value == found[0] for value in found):
        raise UserError(
            f"{where} has no single {what}, and this project has one for all its layers"
        )
    return float(found[0]) if found else default


def _clamp(network: str, modules: list[tuple[str, Module]]) -> float | None:
    found = [
        module.attributes.get("conv_clamp")
        for path, module in modules
        if module.kind in ("SynthesisLayer", "ToRGBLayer", "Conv2dLayer")
        and not path.endswith("skip")
    ]
    if all(value is None for value in found):
        return None
    return _one(network, "conv_clamp", found, math.inf)


def _group(discriminator: dict[str, Module]) -> int:
    layer = discriminator.get("b4.mbstd")
    if layer is None:
        raise UserError("D has no minibatch standard deviation, and this project's always has one")
    group = layer.attributes.get("group_size")
    if type(group) is not int or not 1 <= group <= _MOST_IMAGES:
        raise UserError(
            f"D.b4.mbstd.group_size is {shown(group)}, and this project has a whole number alone"
        )
    return group
