"""A small extractor that comes with the project: for tests, demonstrations and first looks.

It learned from rendered scenes what is in them, and how much noise, blur and tint was added (see
tools/train_embedded_extractor.py, which made the weights). It has seen nothing else and looks at
32x32 pixels, so its distances rank the checkpoints of a run and are comparable with nothing
published.

    32x32x3  conv 24  conv/2 32  conv/2 48  conv/2 64  dense 64 = the features
"""

import functools
import io
import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import files
from dualcontrast.trainer.features import weights as weight_files
from dualcontrast.trainer.features.extractor import Extractor

NOTE = "not comparable with published FID"
SIDE, SIZE = 32, 64
# Filters and stride of the convolutions, 3x3 each.
CONVOLUTIONS = ((24, 1), (32, 2), (48, 2), (64, 2))
FILE = pathlib.Path(__file__).with_name("embedded.npz")

_PREPARATION = "antialiased bilinear to 32, x / 127.5 - 1"


def load() -> Extractor:
    """Returns the extractor with the weights of the package."""
    content = files.read_bytes(FILE)
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    return Extractor(
        name="embedded",
        digest=weight_files.digest(content),
        preparation=_PREPARATION,
        compute=functools.partial(_compute, weights),
        note=NOTE,
    )


def prepare(images: tf.Tensor) -> tf.Tensor:
    """Returns uint8 images of any size as float32 [batch, 32, 32, 3] in [-1, 1]."""
    small = tf.image.resize(tf.cast(images, tf.float32), [SIDE, SIDE], antialias=True)
    return small / 127.5 - 1.0


def features(weights: Mapping[str, tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Returns [batch, 64] of unit variance each on scenes.

    Args:
      weights: by name, `conv0/kernel` [3, 3, 3, 24] and so on.
      x: [batch, 32, 32, 3] in [-1, 1].
    """
    for index, (_, stride) in enumerate(CONVOLUTIONS):
        x = tf.nn.conv2d(x, weights[f"conv{index}/kernel"], stride, "SAME")
        x = tf.nn.leaky_relu(x + weights[f"conv{index}/bias"], 0.2)
    flat = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])
    return flat @ weights["dense/kernel"] + weights["dense/bias"]


def _compute(weights: Mapping[str, np.ndarray], images: tf.Tensor) -> tuple[tf.Tensor, None]:
    return features(weights, prepare(images)), None
