"""A .keras file is a program too: it names the classes that are made, and may bring code along.

Keras refuses what it knows to be dangerous (`safe_mode`), and has been got round repeatedly
(CVE-2025-1550, CVE-2025-9906, CVE-2026-1462). So its configuration is read first, and only Keras's
own layers are made, without those that carry code or read files.
"""

import json
import pathlib
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.trust import operations

_CONFIG = "config.json"
_MOST_BYTES = 64 << 20  # Of the configuration, unpacked; a large network has one of 1 MB.
# Where Keras keeps what a model is made of. `registered_name` names anything that is not its own.
_OWN = re.compile(
    r"keras(\.(layers|models|initializers|regularizers|constraints|activations|dtype_policies)|"
    r"\.src\.(layers|models|ops|initializers|regularizers|constraints|dtype_policies)(\.\w+)*)?"
)
# They carry code, load another model, or read a file that their configuration names.
_GREEDY = {
    "FlaxLayer",
    "IndexLookup",
    "IntegerLookup",
    "JaxLayer",
    "Lambda",
    "StringLookup",
    "TFSMLayer",
    "TextVectorization",
    "TorchModuleWrapper",
}
_VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}
# Of the file: how it was trained, which is not loaded.
_NOT_LOADED = "compile_config"


def check(path: pathlib.Path, model: str) -> None:
    """Checks that a .keras file is made of Keras's own layers.

    Args:
      path: of the file.
      model: the flag and its value, for the message.

    Raises:
      UserError: it has something else, or cannot be examined.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(_CONFIG).file_size > _MOST_BYTES:
                raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
            config = json.loads(archive.read(_CONFIG))
        strange = sorted(set(_strange(config)))
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise UserError(f"{model} cannot be loaded: its {_CONFIG} cannot be read") from error
    if strange:
        names = ", ".join(strange[:3])
        raise operations.refusal(model, f"has more than the plain layers of Keras ({names})")


def _strange(config: Any) -> Iterator[str]:
    """Yields the names of the objects that are not Keras's own, or do more than compute."""
    if isinstance(config, list):
        for part in config:
            yield from _strange(part)
    if not isinstance(config, dict):
        return
    if "class_name" in config and not _is_own(config):
        yield ".".join(str(part) for part in (config.get("module"), _name(config)) if part)
    for key, part in config.items():
        if key != _NOT_LOADED:
            yield from _strange(part)


def _name(config: dict) -> str:
    return str(config["config" if config["class_name"] == "function" else "class_name"])


def _is_own(config: dict) -> bool:
    kind, module = str(config["class_name"]), str(config.get("module"))
    if ">" in str(config.get("registered_name")):
        return False
    if kind == "function":
        return module in ("builtins", "keras.activations")
    if kind in _VALUES:
        return True
    # What starts with a small letter is a function, such as keras.models.load_model.
    return kind[:1].isupper() and kind not in _GREEDY and bool(_OWN.fullmatch(module))
