"""How this project's variables of StyleGAN2 are named and laid out in NVIDIA's PyTorch files.

The names of a file are those of stylegan2-ada-pytorch's modules, behind `G.`, `D.` or `G_ema.`; its
arrays have that program's layout: channels first, [outputs, inputs, height, width].
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from dualcontrast.trainer.errors import UserError

# Which network of a run is which one of a file.
NETWORKS = {"generator": "G", "discriminator": "D", "average": "G_ema"}
# The low-pass filter, which that program keeps beside every layer.
LOWPASS = (np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64).astype(np.float32)
LOWPASS_NAME = "resample_filter"

_SAME = "same"
_DENSE = "dense"
_CONVOLUTION = "convolution"
_UPSAMPLING = "upsampling"
_STYLE_BIAS = "style bias"
_CONSTANT = "constant"
_NOISE = "noise"
_FLATTENED = "flattened"

# A variable's path, what a file calls it, and how its values lie there.
_GENERATOR = (
    (r"w_mean", r"mapping.w_avg", _SAME),
    (r"mapping\.embedding\.kernel", r"mapping.embed.weight", _DENSE),
    (r"mapping\.embedding\.bias", r"mapping.embed.bias", _SAME),
    (r"mapping\.dense(\d+)\.kernel", r"mapping.fc\1.weight", _DENSE),
    (r"mapping\.dense(\d+)\.bias", r"mapping.fc\1.bias", _SAME),
    (r"synthesis\.constant", r"synthesis.b4.const", _CONSTANT),
    (r"synthesis\.(LAYER)\.noise", r"synthesis.\1.noise_const", _NOISE),
    (r"synthesis\.(LAYER)\.strength", r"synthesis.\1.noise_strength", _SAME),
    (r"synthesis\.(LAYER)\.bias", r"synthesis.\1.bias", _SAME),
    (r"synthesis\.(\d+x\d+_up)\.convolution\.kernel", r"synthesis.\1.weight", _UPSAMPLING),
    (r"synthesis\.(LAYER)\.convolution\.kernel", r"synthesis.\1.weight", _CONVOLUTION),
    (r"synthesis\.(LAYER)\.convolution\.style\.kernel", r"synthesis.\1.affine.weight", _DENSE),
    (r"synthesis\.(LAYER)\.convolution\.style\.bias", r"synthesis.\1.affine.bias", _STYLE_BIAS),
)
_DISCRIMINATOR = (
    (r"(from_rgb)\.kernel", r"\1.weight", _CONVOLUTION),
    (r"(from_rgb)\.bias", r"\1.bias", _SAME),
    (r"(\d+x\d+\.(?:same|down|skip))\.kernel", r"\1.weight", _CONVOLUTION),
    (r"(\d+x\d+\.(?:same|down))\.bias", r"\1.bias", _SAME),
    (r"4x4_conv\.kernel", r"b4.conv.weight", _CONVOLUTION),
    (r"4x4_conv\.bias", r"b4.conv.bias", _SAME),
    (r"4x4_dense\.kernel", r"b4.fc.weight", _FLATTENED),
    (r"4x4_dense\.bias", r"b4.fc.bias", _SAME),
    (r"logit\.kernel", r"b4.out.weight", _DENSE),
    (r"logit\.bias", r"b4.out.bias", _SAME),
    (r"label_mapping\.embedding\.kernel", r"mapping.embed.weight", _DENSE),
    (r"label_mapping\.embedding\.bias", r"mapping.embed.bias", _SAME),
    (r"label_mapping\.dense(\d+)\.kernel", r"mapping.fc\1.weight", _DENSE),
    (r"label_mapping\.dense(\d+)\.bias", r"mapping.fc\1.bias", _SAME),
)
_TABLES = {"G": _GENERATOR, "D": _DISCRIMINATOR, "G_ema": _GENERATOR}
_LAYER = r"\d+x\d+(?:_up|_rgb)?"


class Place(NamedTuple):
    """Where a variable lies in a file: its name there, and how its values are laid out."""

    name: str
    form: str


def place_of(network: str, path: str, resolution: int) -> Place | None:
    """Returns where a variable lies in a file; None where that program has no such variable.

    Args:
      network: "G", "D" or "G_ema".
      path: of the variable inside the network, with dots.
      resolution: of the images.
    """
    for pattern, name, form in _TABLES[network]:
        if match := re.fullmatch(pattern.replace("LAYER", _LAYER), path):
            return Place(_module_names(match.expand(name), resolution), form)
    return None


def _module_names(name: str, resolution: int) -> str:
    """Returns a name with that program's words for blocks and layers."""
    name = name.replace("from_rgb", f"b{resolution}.fromrgb")
    for ours, theirs in (("_up", ".conv0"), ("_rgb", ".torgb")):
        name = re.sub(rf"(\d+)x\d+{ours}\b", rf"b\1{theirs}", name)
    for ours, theirs in (("same", "conv0"), ("down", "conv1"), ("skip", "skip")):
        name = re.sub(rf"(\d+)x\d+\.{ours}\b", rf"b\1.{theirs}", name)
    return re.sub(r"(\d+)x\d+\b", r"b\1.conv1", name)


def from_file(form: str, values: np.ndarray) -> np.ndarray:
    """Returns a file's values as the variable has them, float32.

    Raises:
      ValueError: they have another number of axes than that program gives them.
    """
    values = np.asarray(values)
    if form == _DENSE:
        values = np.einsum("oi->io", values)
    elif form == _CONVOLUTION:
        values = np.einsum("oihw->hwio", values)
    elif form == _UPSAMPLING:
        # Both programs keep it for a transposed convolution.
        values = np.einsum("oihw->hwoi", values)
    elif form == _STYLE_BIAS:
        # There it begins at 1, here at 0 with 1 added.
        values = values.astype(np.float64) - 1
    elif form == _CONSTANT:
        values = np.einsum("chw->hwc", values)[None]
    elif form == _NOISE:
        values = np.einsum("hw->hw", values)[None, :, :, None]
    elif form == _FLATTENED:
        outputs, inputs = values.shape
        values = values.reshape(outputs, inputs // 16, 4, 4)
        values = np.einsum("ochw->hwco", values).reshape(inputs, outputs)
    return values.astype(np.float32)


def change_from_file(form: str, values: np.ndarray) -> np.ndarray:
    """Returns a change of a file's values, such as a gradient, as one of the variable's values."""
    return from_file(_SAME if form == _STYLE_BIAS else form, values)


def to_file(form: str, values: np.ndarray) -> np.ndarray:
    """Returns a variable's values as that program keeps them: the inverse of `from_file`."""
    if form == _DENSE:
        values = values.T
    elif form == _CONVOLUTION:
        values = np.einsum("hwio->oihw", values)
    elif form == _UPSAMPLING:
        values = np.einsum("hwoi->oihw", values)
    elif form == _STYLE_BIAS:
        values = values.astype(np.float64) + 1
    elif form == _CONSTANT:
        values = np.einsum("hwc->chw", values[0])
    elif form == _NOISE:
        values = values[0, :, :, 0]
    elif form == _FLATTENED:
        inputs, outputs = values.shape
        values = values.reshape(4, 4, inputs // 16, outputs)
        values = np.einsum("hwco->ochw", values).reshape(outputs, inputs)
    return np.ascontiguousarray(values, np.float32).reshape(np.shape(values))


def values_for(
    network: str, shapes: Mapping[str, tuple[int, ...]], arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns the values of a network's variables, all of them, by path.

    Args:
      network: "G", "D" or "G_ema".
      shapes: of the variables, by path.
      arrays: of the file, by their names without the network's; every one must be needed.

    Raises:
      UserError: an array is missing, of another shape, not finite, or of no use here.
    """
    resolution = _resolution(shapes)
    left, found = dict(arrays), {}
    for path, shape in shapes.items():
        place = place_of(network, path, resolution)
        if place is None:
            raise UserError(
                f"a network of this configuration has the variable {path}, which no such file has"
            )
        if place.name not in left:
            raise UserError(f"it has no {network}.{place.name}, which its other layers need")
        stored = left.pop(place.name)
        try:
            values = from_file(place.form, stored)
        except ValueError:
            values = None
        if values is None or values.shape != shape:
            raise UserError(
                f"{network}.{place.name} is {list(stored.shape)}, which does not fit the variable"
                f" {path}, {list(shape)}"
            )
        if not np.isfinite(values).all():
            raise UserError(f"{network}.{place.name} has numbers that are not finite")
        found[path] = values
    for name in left:
        raise UserError(
            f"{network}.{name} belongs to no layer of the StyleGAN2 that this project has"
        )
    return found


def arrays_of(network: str, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns a network's arrays as that program keeps them, with the low-pass filters.

    Args:
      network: "G", "D" or "G_ema".
      values: of its variables, by path.

    Raises:
      UserError: the network has a variable that is not in that program.
    """
    resolution = _resolution({path: value.shape for path, value in values.items()})
    arrays = {}
    for path, value in values.items():
        place = place_of(network, path, resolution)
        if place is None:
            raise UserError(
                f"the variable {network}.{path} has no place in such a file: expected StyleGAN2's"
                " own layers"
            )
        arrays[place.name] = to_file(place.form, value)
    return arrays | {name: LOWPASS for name in _filters(arrays)}


def without_filters(network: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns a file's arrays without the low-pass filters, which must be StyleGAN2's.

    Raises:
      UserError: one is another filter.
    """
    for name, value in arrays.items():
        if not name.endswith(LOWPASS_NAME):
            continue
        if np.shape(value) != LOWPASS.shape or not np.allclose(value, LOWPASS, atol=1e-7):
            raise UserError(f"{network}.{name} is another low-pass filter than [1, 3, 3, 1]")
    return {name: array for name, array in arrays.items() if not name.endswith(LOWPASS_NAME)}


def _filters(arrays: Mapping[str, np.ndarray]) -> set[str]:
    """Returns the names of the low-pass filters, of convolutions and of blocks of them."""
    found = set()
    for name in arrays:
        if match := re.fullmatch(r"(.*\b(b\d+))\.(conv\d?|skip|fromrgb)\.weight", name):
            found.add(f"{match[1]}.{match[3]}.{LOWPASS_NAME}")
            if match[3] == "conv1":
                found.add(f"{match[1]}.{LOWPASS_NAME}")
    return found


def _resolution(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return max(int(side) for path in shapes for side in re.findall(r"(\d+)x\d+", path))
