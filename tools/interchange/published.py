"""Networks as a file has them, before they are a run: settings and arrays."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from dualcontrast.tools.interchange import layout
from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class Published:
    """What a file holds.

    Attributes:
      settings: fields of a configuration by their paths, such as generator.fmap_base.
      arrays: of "G", "D" and "G_ema", in the names and the layout of `layout`.
      notes: for the user: what is computed otherwise here, or was assumed.
      classes: names of the classes, by number; none where nobody says them.
    """

    settings: dict[str, Any]
    arrays: dict[str, dict[str, np.ndarray]]
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def sizes(arrays: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """Returns the settings that the shapes of arrays say.

    Args:
      arrays: of `layout.NETWORKS`, by network and name.

    Raises:
      UserError: they are not those of StyleGAN2, or of widths that no setting gives.
    """
    generator, discriminator = arrays["G_ema"], arrays["D"]
    widths = _widths("G_ema", generator, r"synthesis\.b(\d+)\.conv1\.weight")
    widths_of_d = _widths("D", discriminator, r"b(\d+)\.conv0?\.weight")
    resolution = max(widths)
    first = _array("G_ema", generator, "mapping.fc0.weight", 2)
    classes = 0
    if "mapping.embed.weight" in generator:
        classes = _array("G_ema", generator, "mapping.embed.weight", 2).shape[1]
    w_size = first.shape[0]
    found = {
        "data.resolution": resolution,
        "data.channels": _array("G_ema", generator, "synthesis.b4.torgb.weight", 4).shape[0],
        "generator.latent_size": first.shape[1] - (w_size if classes else 0),
        "generator.w_size": w_size,
        "generator.mapping_layers": _mapping_layers(generator),
        **_fmap_fields("generator", widths),
        **_fmap_fields("discriminator", widths_of_d),
    }
    if classes:
        found |= {"data.labels": True, "data.classes": classes}
        found["discriminator.label_layers"] = _mapping_layers(discriminator)
    return found


def least_numbers(settings: Mapping[str, Any]) -> int:
    """Returns how many numbers networks of these settings hold at the least, all three."""
    sides = [4 << step for step in range(settings["data.resolution"].bit_length() - 2)]
    w, classes = settings["generator.w_size"], settings.get("data.classes", 0)
    convolutions = {}
    for network in ("generator", "discriminator"):
        base, most = (settings[f"{network}.fmap_{name}"] for name in ("base", "max"))
        widths = [min(most, 2 * base // side) for side in sides]
        convolutions[network] = sum(9 * width**2 for width in widths)
    mapping = w * (settings["generator.latent_size"] + classes)
    mapping += (settings["generator.mapping_layers"] - 1) * w**2
    noise = sum(side**2 for side in sides)
    return 2 * (convolutions["generator"] + mapping + noise) + convolutions["discriminator"]


def _mapping_layers(arrays: Mapping[str, np.ndarray]) -> int:
    return len([name for name in arrays if re.fullmatch(r"mapping\.fc\d+\.weight", name)])


def _array(network: str, arrays: Mapping[str, np.ndarray], name: str, axes: int) -> np.ndarray:
    found = arrays.get(name)
    if found is None or found.ndim != axes or not found.size:
        what = "no" if found is None else f"another form of ({list(found.shape)})"
        raise UserError(f"it has {what} {network}.{name}, which StyleGAN2 has")
    return found


def _widths(network: str, arrays: Mapping[str, np.ndarray], pattern: str) -> dict[int, int]:
    """Returns the feature maps by resolution."""
    names = {int(m[1]): name for name in arrays if (m := re.fullmatch(pattern, name))}
    found = {side: _array(network, arrays, name, 4).shape[0] for side, name in names.items()}
    expected = [4 << step for step in range(len(found))]
    if len(found) < 2 or sorted(found) != expected:
        raise UserError(
            f"{network} has layers at {', '.join(map(str, sorted(found))) or 'no resolution'},"
            " expected StyleGAN2's at 4, 8 and so on"
        )
    return found


def _fmap_fields(network: str, widths: dict[int, int]) -> dict[str, int]:
    """Returns the two fields of which these widths follow."""
    most = max(widths.values())
    base = max(-(-width * side // 2) for side, width in widths.items())
    followed = {side: min(most, 2 * base // side) for side in widths}
    if followed != widths:
        told = ", ".join(f"{width} at {side}" for side, width in sorted(widths.items()))
        raise UserError(
            f"the {network} has {told} feature maps, and here min(fmap_max, 2 * fmap_base /"
            " resolution) says how many"
        )
    return {f"{network}.fmap_base": base, f"{network}.fmap_max": most}


def checked(found: Published) -> Published:
    """Returns networks without their low-pass filters, which must be StyleGAN2's."""
    arrays = {name: layout.without_filters(name, of) for name, of in found.arrays.items()}
    return dataclasses.replace(found, arrays=arrays)
