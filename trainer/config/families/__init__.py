"""The families of networks: a module each, whose name is the family's.

A new family is its networks in `layers/`, a module here with their two sections, and an experiment
in `configs/`; docs/training.md shows one.
"""

import importlib
import pathlib

from dualcontrast.trainer.config import section
from dualcontrast.trainer.errors import UserError


def names() -> list[str]:
    """The families that there are."""
    return sorted(path.stem for path in pathlib.Path(__file__).parent.glob("[a-z]*.py"))


def find(name: str, network: str) -> type[section.Section]:
    """Returns a section of the family `name`.

    Args:
      name: from config.json.
      network: "generator" or "discriminator".

    Raises:
      UserError: there is no such family.
    """
    if name not in names():
        raise UserError(
            f"config section {network}: unknown family {name!r}, expected one of"
            f" {', '.join(names())}"
        )
    return getattr(importlib.import_module(f"{__name__}.{name}"), network.capitalize())
