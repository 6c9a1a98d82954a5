"""A file of networks, of whichever kind."""

import lzma
import struct
import zlib
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
# What code meets in values of another form than any that it looks for. RuntimeError has that of
# recursion.
_DAMAGED = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError),
    *(EOFError, zlib.error, lzma.LZMAError, struct.error),
)
_LONGEST = 500  # characters of an error
_ADVICE = "Nothing in the file was run, and nothing was written."


def read(path: str) -> published.Published:
    """Returns the networks in a file.

    Args:
      path: of it; the name's ending says of which kind it is.

    Raises:
      UserError: there is no such file, or it holds something else than networks that this project
        has.
    """
    try:
        content = files.read_bytes(path)
        return published.checked(_sized(_read(path, content), len(content)))
    except files.FileError:
        raise
    except Refused as error:
        raise UserError(f"{path}: {_line(error)}.\n{_ADVICE} {_EXPECTED}") from error
    except UserError as error:
        raise UserError(f"{path}: {_line(error)}.\n{_EXPECTED}") from error
    except MemoryError as error:
        raise UserError(
            f"{path}: it needs more memory than there is free.\n"
            "Nothing was written. Close other programs, or import it on a larger machine."
        ) from error
    except _DAMAGED as error:
        reason = _line(error)
        raise UserError(f"{path}: it is damaged ({reason}).\n{_ADVICE} {_EXPECTED}") from error


def _sized(found: published.Published, size: int) -> published.Published:
    """Refuses networks that no file of this size holds, before they are made."""
    # Of 2 bytes at the least, and .npz may be packed.
    numbers = published.least_numbers(found.settings)
    if 2 * numbers > array_files.MOST_EXPANSION * size:
        raise UserError(f"its networks would have {numbers:,} numbers, more than it can hold")
    return found


def _line(error: Exception) -> str:
    """Returns what an error says, without what names in the file would do to a terminal."""
    text = str(error) or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])


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
