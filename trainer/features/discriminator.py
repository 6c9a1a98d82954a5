"""A run's own discriminator as an extractor: what its last dense layer reads. No file is needed.

The standard deviation over a group is one of its features, so the features of an image depend on
the rest of its batch: feed whole batches of reals only, and of fakes only, in a fixed order.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator

import keras
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
        compute=lambda *images: (last_features(network, *map(to_float, images)), None),
        note=NOTE,
        channels=None,
        references=references,
    )


def to_float(images: tf.Tensor) -> tf.Tensor:
    """Returns uint8 images as the discriminator sees them, float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def last_features(network: networks.Discriminator, *inputs: tf.Tensor) -> tf.Tensor:
    """Returns the input of the network's last dense layer, [batch, size] float32.

    Args:
      network: built.
      *inputs: images, and their references if the network compares them with any.

    The network runs as it is and its last layer is listened to, so that a discriminator with other
    layers before it needs no other code here.
    """
    heard = []
    original = network.logit.call

    def listen(x, **how):
        heard.append(x)
        return original(x, **how)

    # Labels come after the features, so any will do.
    labels = {"labels": tf.zeros(inputs[0].shape[:1], tf.int64)} if network.classes else {}
    with replaced_call(network.logit, listen):
        network(*inputs, **labels)
    (features,) = heard
    return features


@contextlib.contextmanager
def replaced_call(layer: keras.layers.Layer, call: Callable) -> Iterator[None]:
    """Makes a layer of a network run another function inside, such as one that listens.

    Args:
      layer: built.
      call: in place of the layer's `call`.
    """
    layer.call = call
    try:
        yield
    finally:
        del layer.call
