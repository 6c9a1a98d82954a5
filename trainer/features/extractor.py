"""What all feature extractors have in common: uint8 images in, a table of float32 features out."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from dualcontrast.trainer.errors import UserError


@dataclasses.dataclass(frozen=True)
class Features:
    """What an extractor says about some images.

    Attributes:
      table: [images, size] float32.
      logits: [images, classes] float32, unnormalized; None for a network that classifies nothing.
    """

    table: np.ndarray
    logits: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Extractor:
    """A network with its weights.

    Attributes:
      name: for tables and messages, such as "inception".
      digest: sha256 of what decides its output.
      preparation: what happens to the pixels before the network, in words.
      compute: uint8 [batch, height, width, 3] -> (features [batch, size], logits [batch, classes]
        or None), TensorFlow operations. With references it takes as many of them second.
      note: what must stand wherever a result is printed; empty where values are comparable.
      channels: that `compute` takes: 3, or None for those of the images, whatever they are.
      references: uint8 [any number, height, width, channels], for a network that compares images
        with others: image i of a set with reference i, and from the first one again at the end.
    """

    name: str
    digest: str
    preparation: str
    compute: Callable[..., tuple[tf.Tensor, tf.Tensor | None]]
    note: str = ""
    channels: int | None = 3
    references: np.ndarray | None = None

    def protocol(self) -> dict[str, Any]:
        """Returns what decides the features of given pixels, for the protocol and cache keys."""
        return {"name": self.name, "sha256": self.digest, "preparation": self.preparation}


class Extraction:
    """Runs an extractor on batches of images.

    Every batch is filled up to one size, so that the network always runs the same program: the last
    images of a set get the features that they would get anywhere else.

    Args:
      extractor: to run.
      batch_size: images that the network sees at once.
    """

    def __init__(self, extractor: Extractor, batch_size: int):
        self._extractor = extractor
        self._batch_size = batch_size
        self._compute = tf.function(extractor.compute, autograph=False)

    def __call__(self, images: np.ndarray, place: int = 0) -> Features:
        """Returns the features of any number of images.

        Args:
          images: uint8 [count, height, width, channels].
          place: of the first of them in its set, which decides its reference.

        Raises:
          UserError: the network cannot take such images, or returns no table, or not float32.
        """
        images = self._with_channels(images)
        parts = [
            self._batch(images[first : first + self._batch_size], place + first)
            for first in range(0, len(images), self._batch_size)
        ]
        has_logits = parts[0].logits is not None
        logits = np.concatenate([part.logits for part in parts]) if has_logits else None
        return Features(np.concatenate([part.table for part in parts]), logits)

    def _with_channels(self, images: np.ndarray) -> np.ndarray:
        wanted, channels = self._extractor.channels, images.shape[3]
        if wanted in (None, channels):
            return images
        if channels == 1:
            return np.repeat(images, 3, axis=3)
        raise UserError(
            f"the {self._extractor.name} extractor takes RGB or grey images, received {channels} "
            "channels: expected images of dualcontrast-convert --channels=rgb, or a run on such"
        )

    def _batch(self, images: np.ndarray, place: int) -> Features:
        count = len(images)
        filled = np.zeros((self._batch_size, *images.shape[1:]), np.uint8)
        filled[:count] = images
        inputs = [tf.constant(filled), *self._references(place)]
        try:
            table, logits = self._compute(*inputs)
        except UserError:
            raise
        except (tf.errors.OpError, ValueError, TypeError) as error:
            shape = "x".join(str(side) for side in images.shape[1:])
            raise UserError(
                f"the {self._extractor.name} extractor cannot take images of {shape}: "
                f"{_reason(error)}"
            ) from error
        self._check(table)
        return Features(table.numpy()[:count], None if logits is None else logits.numpy()[:count])

    def _references(self, place: int) -> list[tf.Tensor]:
        references = self._extractor.references
        if references is None:
            return []
        return [tf.constant(references[(place + np.arange(self._batch_size)) % len(references)])]

    def _check(self, table: tf.Tensor) -> None:
        name, shape = self._extractor.name, table.shape.as_list()
        if len(shape) != 2 or shape[0] != self._batch_size:
            raise UserError(f"the {name} extractor returns {shape}, expected [batch, size]")
        # float16 and bfloat16 keep 3 digits: a distance of such features is another number.
        if table.dtype != tf.float32:
            raise UserError(f"the {name} extractor returns {table.dtype.name}, expected float32")


def _reason(error: Exception) -> str:
    """Returns the line of an error of TensorFlow's that says something."""
    lines = [line.strip() for line in str(error).splitlines()]
    idle = ("Graph execution error", "Detected at node", "<stack traces", "in user code")
    telling = [line for line in lines if line and not line.startswith(idle)]
    return telling[0][:200] if telling else type(error).__name__
