"""LPIPS (Zhang et al. 2018, version 0.1, VGG16): how different two images look."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import vgg16
from dualcontrast.trainer.features import weights as weight_files

WHAT = "an .npz file with lin0 to lin4 of LPIPS 0.1; docs/evaluation.md says how to write it"
_EPSILON = 1e-10


@dataclasses.dataclass(frozen=True)
class Distance:
    """LPIPS with its weights.

    Attributes:
      digest: sha256 of both files, joined by "+".
      between: (images, images), [batch, height, width, 3 or 1] in [-1, 1] -> [batch] float32.
    """

    digest: str
    between: Callable[[np.ndarray, np.ndarray], np.ndarray]


def load(vgg16_place: str | None, heads_place: str | None) -> Distance:
    """Returns the distance.

    Args:
      vgg16_place: path or pinned URL of the network's weights, of --vgg16.
      heads_place: path or pinned URL of the weights of its channels, of --lpips.

    Raises:
      UserError: a file is missing or holds something else.
    """
    network = weight_files.read(vgg16_place, "--vgg16", vgg16.WHAT)
    content = weight_files.read(heads_place, "--lpips", WHAT)
    arrays = vgg16.read(network, vgg16_place, "--vgg16")
    heads = _read_heads(content, heads_place)
    compute = tf.function(lambda a, b: between(arrays, heads, a, b), autograph=False)

    def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = (np.repeat(x, 3, axis=3) if x.shape[3] == 1 else x for x in (a, b))
        return compute(tf.constant(a, tf.float32), tf.constant(b, tf.float32)).numpy()

    digest = f"{weight_files.digest(network)}+{weight_files.digest(content)}"
    return Distance(digest, distance)


def between(
    network: dict[str, np.ndarray], heads: list[np.ndarray], a: tf.Tensor, b: tf.Tensor
) -> tf.Tensor:
    """Returns the distance of each pair, [batch].

    Each pixel's activations are brought to length 1; their squared differences, weighted by
    channel, are averaged over the pixels and summed over five layers.

    Args:
      network: weights of VGG16.
      heads: a weight for each channel of the five layers, none below 0.
      a, b: [batch, height, width, 3] in [-1, 1].
    """
    total = 0.0
    layers = zip(vgg16.activations(network, a), vgg16.activations(network, b), heads)
    for of_a, of_b, head in layers:
        squares = tf.square(_unit(of_a) - _unit(of_b)) * head
        total += tf.reduce_mean(tf.reduce_sum(squares, axis=3), axis=[1, 2])
    return total


def _unit(x: tf.Tensor) -> tf.Tensor:
    return x / (tf.norm(x, axis=3, keepdims=True) + _EPSILON)


def _read_heads(content: bytes, place: str) -> list[np.ndarray]:
    refusal = f"--lpips={place} holds no weights of LPIPS.\nExpected {WHAT}"
    arrays = vgg16.read_arrays(content, refusal)
    heads = []
    for index, (_, filters) in enumerate(vgg16.BLOCKS):
        head = arrays.get(f"lin{index}")
        fits = head is not None and head.dtype == np.float32 and head.size == filters
        if not fits or head.min() < 0:
            raise UserError(refusal)
        heads.append(head.reshape(filters))
    return heads
