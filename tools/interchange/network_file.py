"""A file of networks, of whichever kind."""

from typing import Any

from dualcontrast.tools.interchange import (
    array_files,
    pickled_networks,
    published,
    pytorch_networks,
    tensorflow_networks,
)
from dualcontrast.tools.interchange.pickle_machine import Refused
from dualcontrast.tools.interchange.pickled_networks import Network
from dualcontrast.trainer import files
from dualcontrast.trainer.errors import UserError

_EXPECTED = (
    "Expected StyleGAN2 as NVIDIA's programs save it (.pkl), or arrays as docs/import.md names them"
    " (.safetensors, .npz)."
)
_ADVICE = "Nothing in the file was run, and nothing was written."


def read(path: str) -> published.Published:
    """Returns the networks in a file.

    Args:
      path: of it; the name's ending says of which kind it is.

    Raises:
      UserError: there is no such file, or it holds something else than networks that this project
        has.
    """
    content = files.read_bytes(path)
    try:
        return published.checked(_read(path, content))
    except Refused as error:
        raise UserError(f"{path}: {error}.\n{_ADVICE} {_EXPECTED}") from error
    except UserError as error:
        raise UserError(f"{path}: {error}.\n{_EXPECTED}") from error


def _read(path: str, content: bytes) -> published.Published:
    if path.lower().endswith(".safetensors"):
        return array_files.read_safetensors(content)
    if path.lower().endswith(".npz"):
        return array_files.read_npz(content)
    return _of_pickle(pickled_networks.read(content))


def _of_pickle(found: Any) -> published.Published:
    if isinstance(found, dict):
        return pytorch_networks.read(found)
    if isinstance(found, tuple) and len(found) == 3 and all(isinstance(n, Network) for n in found):
        return tensorflow_networks.read(found)
    raise Refused(
        f"it holds a {type(found).__name__}, and no generator, discriminator and averaged generator"
    )
