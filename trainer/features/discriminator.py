"""A run's own discriminator as an extractor: its features, what its last layers read.

No file is needed. The standard deviation over a group is one of these features, so those of an
image depend on the rest of its batch: feed whole batches of reals only, and of fakes only, in a
fixed order.
"""

import hashlib

import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer.features.extractor import Extractor

NOTE = "features of the run's own discriminator: compares networks of one architecture at most"


def load(
    network: networks.Discriminator, digest: str, references: np.ndarray | None = None
) -> Extractor:
    """Returns the network as an extractor.

    Args:
      network: built, in float32.
      digest: says which checkpoint it is.
      references: reals to compare images with, uint8 [any number, height, width, channels], for a
        discriminator with reference attention; the same ones for reals and fakes.
    """
    preparation = "x / 127.5 - 1"
    if references is not None:
        digest = hashlib.sha256(digest.encode() + references.tobytes()).hexdigest()
        preparation += f"; image i compared with real i of {len(references)} that were drawn"
    return Extractor(
        name="discriminator",
        digest=digest,
        preparation=preparation,
        compute=lambda *images: (network.features(*map(to_float, images)), None),
        note=NOTE,
        channels=None,
        references=references,
    )


def to_float(images: tf.Tensor) -> tf.Tensor:
    """Returns uint8 images as the discriminator sees them, float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0
