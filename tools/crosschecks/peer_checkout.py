"""The flags of commands that run stylegan2-ada-pytorch too, which the user provides."""

import pathlib
import subprocess

from dualcontrast.trainer import path_flags
from dualcontrast.trainer.errors import UserError

PEER = path_flags.define("peer", None, "A checkout of stylegan2-ada-pytorch.")
PYTHON = path_flags.define("python", None, "A Python that has PyTorch.")

_ADDRESS = "https://github.com/NVlabs/stylegan2-ada-pytorch"
_FILES = ("training/networks.py", "training/loss.py")
_FIND_TORCH = "import importlib.util; print(importlib.util.find_spec('torch') is not None)"


def check() -> None:
    """Checks what the two flags name.

    Raises:
      UserError: one is missing, or names something else.
    """
    check_checkout(PEER.value)
    check_python(PYTHON.value)


def check_checkout(folder: str | None) -> None:
    """Refuses what is no checkout of the peer."""
    if not folder:
        raise UserError(f"--peer is missing: expected a checkout of {_ADDRESS}")
    where = pathlib.Path(folder)
    if not where.is_dir():
        raise UserError(f"--peer={folder}: there is no such folder; type: git clone {_ADDRESS}")
    for name in _FILES:
        if not (where / name).is_file():
            raise UserError(f"--peer={folder}: it has no {name}, expected a checkout of {_ADDRESS}")


def check_python(python: str | None) -> None:
    """Refuses what is no Python, and one without PyTorch."""
    if not python:
        raise UserError("--python is missing: expected a Python that has PyTorch")
    try:
        answer = subprocess.run(
            [python, "-c", _FIND_TORCH], capture_output=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(
            f"--python={python}: no Python runs there, expected one that has PyTorch"
        ) from error
    if answer.stdout.strip() != b"True":
        raise UserError(
            f"--python={python}: it has no PyTorch; type: {python} -m pip install torch requests"
        )
