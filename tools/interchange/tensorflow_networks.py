"""StyleGAN2 as NVIDIA's TensorFlow programs keep it: variables and the arguments of a function.

The function's source stands in the file as a text, and is not looked at; its name says which one of
the two programs it is of. An argument that makes another network than this project has is refused.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from dualcontrast.tools.interchange import pickled_arrays, published
from dualcontrast.tools.interchange.pickle_machine import is_plain, shown
from dualcontrast.tools.interchange.pickled_networks import Network, is_name
from dualcontrast.trainer.errors import UserError

_VERSIONS = (2, 3, 4)
# The arguments that must have one value, or be left out, and that value.
_SHARED = {
    "fmap_decay": 1,
    "fmap_min": 1,
    "fmap_const": None,
    "nonlinearity": "lrelu",
    "dtype": "float32",
    "resample_kernel": [1, 3, 3, 1],
}
_FIXED = {
    "G": _SHARED
    | {
        "architecture": "skip",
        "mapping_nonlinearity": "lrelu",
        "normalize_latents": True,
        "use_noise": True,
        "synthesis_func": ("G_synthesis", "G_synthesis_stylegan2"),
        "mapping_func": "G_mapping",
    },
    "D": _SHARED
    | {
        "architecture": "resnet",
        "mbstd_num_features": 1,
        "use_pagan": False,
        "use_spectral_norm": False,
        "adaptive_dropout": 0,
        "score_size": 1,
        "score_max": 1,
    },
}
# Those that shapes of arrays say, that only training or sampling asks for, or that decide about
# speed alone.
_FREE = {
    *("resolution", "num_channels", "label_size", "latent_size", "dlatent_size", "fmap_base"),
    *("fmap_max", "mapping_layers", "mapping_fmaps", "label_fmaps", "dlatent_broadcast"),
    *("truncation_psi", "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val"),
    *("style_mixing_prob", "randomize_noise", "structure", "fused_modconv", "freeze_layers"),
    *("augment_strength", "pagan_num", "pagan_fade", "epochs"),
}
# Those that become settings here.
_READ = {"dlatent_avg_beta", "mapping_lrmul", "conv_clamp", "num_fp16_res", "mbstd_group_size"}
# The functions of both programs, with their group of the minibatch standard deviation.
_DISCRIMINATORS: dict[str, int | None] = {"D_stylegan2": 4, "D_main": None}
_OTHERS = {"G_style": "a StyleGAN, the first one", "G_paper": "a progressive GAN"}


def read(networks: tuple[Network, Network, Network]) -> published.Published:
    """Returns the networks of a file: G, D and the averaged G, in this order.

    Raises:
      UserError: they are not StyleGAN2, or one that this project does not have.
    """
    named = dict(zip(("G", "D", "G_ema"), networks, strict=True))
    arguments = {name: _arguments(name, network) for name, network in named.items()}
    arrays = {
        name: _renamed(name, _variables(network), arguments[name])
        for name, network in named.items()
    }
    if arguments["G"] != arguments["G_ema"]:
        raise UserError("G and the averaged G were made with different arguments")
    settings = published.sizes(arrays) | _fields(named, arguments)
    halves = any(arguments[name].get("num_fp16_res") for name in named)
    note = "its highest resolutions compute in 16 bits; here all do in training.precision"
    return published.Published(settings, arrays, (note,) if halves else ())


def _arguments(name: str, network: Network) -> dict[str, Any]:
    state = network.state
    function, version = state.get("build_func_name"), state.get("version")
    if not (is_plain(function) and is_plain(version) and isinstance(function, str)):
        raise UserError(f"{name} was made by {shown(function)}, expected a function of StyleGAN2")
    if function in _OTHERS:
        raise UserError(
            f"it is {_OTHERS[function]}, which this project does not have; StyleGAN2 it reads"
        )
    expected = _DISCRIMINATORS if name == "D" else ("G_main",)
    if version not in _VERSIONS or function not in expected:
        raise UserError(
            f"{name} was made by {shown(function)}, expected {' or '.join(expected)} of StyleGAN2"
        )
    arguments = state.get("static_kwargs")
    if not isinstance(arguments, dict):
        raise UserError(f"{name} has no arguments")
    fixed = _FIXED["D" if name == "D" else "G"]
    for argument, value in arguments.items():
        if not is_plain(value):
            raise UserError(f"{name} has the argument {shown(argument)}, which is {shown(value)}")
        if argument in _FREE or argument in _READ:
            continue
        if argument not in fixed:
            raise UserError(f"{name} has the argument {shown(argument)}, of which nothing is known")
        wanted = fixed[argument]
        if value not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            raise UserError(
                f"{name}'s {argument} is {shown(value)}, and this project has {wanted!r} alone"
            )
    return arguments


def _variables(network: Network, prefix: str = "", depth: int = 0) -> dict[str, np.ndarray]:
    """Returns the variables of a network and of its parts, by NETWORK/LAYER/NAME."""
    found: dict[str, np.ndarray] = {}
    variables, parts = network.state.get("variables"), network.state.get("components", {})
    if not isinstance(variables, list) or not isinstance(parts, dict) or depth > 1:
        raise UserError("a network has no list of variables")
    for pair in variables:
        if not isinstance(pair, tuple) or len(pair) != 2 or not is_name(pair[0]):
            raise UserError("a network has a variable without a name")
        if prefix + pair[0] in found:
            raise UserError(f"a network has two variables {prefix}{pair[0]}")
        found[prefix + pair[0]] = _value(*pair)
    if len(parts) != len(set(map(id, parts.values()))):
        raise UserError("a network has one part twice")
    for name, part in parts.items():
        if not isinstance(part, Network) or not is_name(name):
            raise UserError(f"the part {shown(name)} of a network is none")
        found |= _variables(part, f"{prefix}{name}/", depth + 1)
    return found


def _value(name: str, found: Any) -> np.ndarray:
    # A variable of one number is one in the file.
    if type(found) in (int, float):
        return np.array(found, np.float32)
    return pickled_arrays.value_of(found, name)


def _dense(values: np.ndarray) -> np.ndarray:
    return np.einsum("io->oi", values)


def _convolution(values: np.ndarray) -> np.ndarray:
    return np.einsum("hwio->oihw", values)


def _upsampling(values: np.ndarray) -> np.ndarray:
    # TensorFlow's program correlates with it.
    return np.einsum("hwio->oihw", values)[:, :, ::-1, ::-1]


def _style_bias(values: np.ndarray) -> np.ndarray:
    # In float64, so that adding the 1 and taking it away again changes nothing.
    return values.astype(np.float64) + 1


def _same(values: np.ndarray) -> np.ndarray:
    return values


def _constant(values: np.ndarray) -> np.ndarray:
    return np.einsum("bchw->chw", values[:1])


def _noise(values: np.ndarray) -> np.ndarray:
    return values[0, 0]


_Rule = tuple[str, str, Callable[[np.ndarray], np.ndarray]]
# A layer's names in a file, what PyTorch's program calls it, and how its values differ.
_RULES_OF_G: list[_Rule] = [
    (r"dlatent_avg", r"mapping.w_avg", _same),
    (r"mapping/LabelEmbed/weight", r"mapping.embed.weight", _dense),
    (r"mapping/LabelEmbed/bias", r"mapping.embed.bias", _same),
    (r"mapping/Dense(\d+)/weight", r"mapping.fc\1.weight", _dense),
    (r"mapping/Dense(\d+)/bias", r"mapping.fc\1.bias", _same),
    (r"synthesis/4x4/Const/const", r"synthesis.b4.const", _constant),
]
_RULES_OF_D: list[_Rule] = [
    (r"(\d+)x\d+/FromRGB/weight", r"b\1.fromrgb.weight", _convolution),
    (r"(\d+)x\d+/FromRGB/bias", r"b\1.fromrgb.bias", _same),
    (r"(\d+)x\d+/Conv(0|1)(?:_down)?/weight", r"b\1.conv\2.weight", _convolution),
    (r"(\d+)x\d+/Conv(0|1)(?:_down)?/bias", r"b\1.conv\2.bias", _same),
    (r"(\d+)x\d+/Skip/weight", r"b\1.skip.weight", _convolution),
    (r"4x4/Conv/weight", r"b4.conv.weight", _convolution),
    (r"4x4/Conv/bias", r"b4.conv.bias", _same),
    (r"4x4/Dense0/weight", r"b4.fc.weight", _dense),
    (r"4x4/Dense0/bias", r"b4.fc.bias", _same),
    (r"Output/weight", r"b4.out.weight", _dense),
    (r"Output/bias", r"b4.out.bias", _same),
    (r"LabelEmbed/weight", r"mapping.embed.weight", _dense),
    (r"LabelEmbed/bias", r"mapping.embed.bias", _same),
    (r"Mapping(\d+)/weight", r"mapping.fc\1.weight", _dense),
    (r"Mapping(\d+)/bias", r"mapping.fc\1.bias", _same),
]
for _theirs, _ours, _kernel in (
    (r"4x4/Conv", r"b4.conv1", _convolution),
    (r"(\d+)x\d+/Conv1", r"b\1.conv1", _convolution),
    (r"(\d+)x\d+/Conv0_up", r"b\1.conv0", _upsampling),
    (r"(\d+)x\d+/ToRGB", r"b\1.torgb", _convolution),
):
    _RULES_OF_G += [
        (f"synthesis/{_theirs}/weight", f"synthesis.{_ours}.weight", _kernel),
        (f"synthesis/{_theirs}/bias", f"synthesis.{_ours}.bias", _same),
        (f"synthesis/{_theirs}/noise_strength", f"synthesis.{_ours}.noise_strength", _same),
        (f"synthesis/{_theirs}/mod_weight", f"synthesis.{_ours}.affine.weight", _dense),
        (f"synthesis/{_theirs}/mod_bias", f"synthesis.{_ours}.affine.bias", _style_bias),
    ]


def _renamed(
    network: str, variables: dict[str, np.ndarray], arguments: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Returns the arrays as PyTorch's program names them and lays them out."""
    rules = _RULES_OF_D if network == "D" else _RULES_OF_G
    _check_labels(network, variables)
    found = {}
    for name, values in variables.items():
        if name.rpartition("/")[2] == "lod":
            continue  # of progressive growing, which StyleGAN2 does not use
        place = _noise_place(name) if network != "D" else None
        if place:
            new, change = place, _noise
        else:
            new, change = _place(network, name, rules)
        if new in found:
            raise UserError(f"{network} has two variables for the place of {name}")
        try:
            found[new] = change(values)
        except (ValueError, IndexError):
            raise UserError(
                f"{network}'s {name} is {list(values.shape)}, not as in StyleGAN2"
            ) from None
    return found


def _check_labels(network: str, variables: dict[str, np.ndarray]) -> None:
    """Refuses StyleGAN2's own labels, which ADA's program has otherwise."""
    if any("LabelConcat" in name for name in variables):
        raise UserError(
            f"{network} normalises label and z together, as StyleGAN2's own program does;"
            " this project has StyleGAN2-ADA's labels alone"
        )


def _place(network: str, name: str, rules: list[_Rule]) -> tuple[str, Callable]:
    for pattern, new, change in rules:
        if match := re.fullmatch(pattern, name):
            return match.expand(new), change
    raise UserError(
        f"{network} has the variable {name}, which belongs to no layer of the StyleGAN2 that"
        " this project has"
    )


def _noise_place(name: str) -> str | None:
    """Returns the place of a fixed noise map, which is numbered by layer."""
    match = re.fullmatch(r"synthesis/noise(\d{1,2})", name)
    if match is None:
        return None
    layer = int(match[1])
    return f"synthesis.b{2 ** ((layer + 5) // 2)}.conv{1 if layer % 2 == 0 else 0}.noise_const"


def _fields(networks: dict[str, Network], arguments: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns the settings that are arguments, with both programs' defaults."""
    generator, discriminator = arguments["G"], arguments["D"]
    group = discriminator.get(
        "mbstd_group_size", _DISCRIMINATORS[networks["D"].state["build_func_name"]]
    )
    if type(group) is not int or group < 2:
        raise UserError(
            f"D's mbstd_group_size is {shown(group)}, and this project has a whole number from 2"
            " alone"
        )
    rate = discriminator.get("mapping_lrmul", 0.1) if discriminator.get("label_size") else 0.01
    decay = generator.get("dlatent_avg_beta", 0.995)
    return {
        "generator.mapping_learning_rate_multiplier": _number(
            "mapping_lrmul", generator.get("mapping_lrmul", 0.01)
        ),
        "generator.w_mean_decay": _number("dlatent_avg_beta", decay),
        "generator.conv_clamp": _clamp(generator),
        "discriminator.conv_clamp": _clamp(discriminator),
        "discriminator.label_learning_rate_multiplier": _number("mapping_lrmul", rate),
        "discriminator.minibatch_stddev_group": group,
    }


def _clamp(arguments: dict[str, Any]) -> float | None:
    found = arguments.get("conv_clamp")
    return None if found is None else _number("conv_clamp", found)


def _number(name: str, found: Any) -> float:
    if type(found) not in (int, float):
        raise UserError(f"{name} is {shown(found)}, expected a number")
    return float(found)
