"""A linear classifier upon the features of a discriminator, and its file."""

import dataclasses
import io
import json
import pathlib
import zipfile
from typing import Any

import numpy as np

from dualcontrast.trainer import files
from dualcontrast.trainer.errors import UserError

_ADVICE = "Make it again: dualcontrast-linear-eval --output=FILE"


@dataclasses.dataclass(frozen=True)
class LinearHead:
    """Features to the logits of classes.

    Attributes:
      weights: [width, classes] float32.
      bias: [classes] float32.
      trunk: digest of the discriminator whose features it was trained upon.
      about: the classes' names, and how it was trained and what it reached, ready for JSON.
    """

    weights: np.ndarray
    bias: np.ndarray
    trunk: str
    about: dict[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by number."""
        return tuple(self.about["classes"])


def save(path: pathlib.Path, head: LinearHead) -> None:
    """Writes a head that `load` reads."""
    content = io.BytesIO()
    about = np.array(json.dumps({"trunk": head.trunk, **head.about}))
    np.savez(content, weights=head.weights, bias=head.bias, about=about)
    files.write(path, content.getvalue())


def load(path: pathlib.Path, trunk: str) -> LinearHead:
    """Reads a head.

    Args:
      path: of a file that `save` has written.
      trunk: digest of the discriminator that it shall be used with.

    Raises:
      UserError: the file cannot be read, is damaged, or belongs to another discriminator.
    """
    content = files.read_bytes(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            weights, bias = found["weights"], found["bias"]
            about = json.loads(str(found["about"]))
        head = LinearHead(weights, bias, about.pop("trunk"), about)
        whole = weights.ndim == 2 and bias.shape == weights.shape[1:] == (len(head.classes),)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, zipfile.BadZipFile):
        whole = False
    if not whole:
        raise UserError(f"{path} is no linear head, or damaged. {_ADVICE}")
    if head.trunk != trunk:
        raise UserError(
            f"{path} was trained upon {about.get('checkpoint', 'another run')}, not upon this"
            f" discriminator: give --run that checkpoint, or make another head of this one"
        )
    return head
