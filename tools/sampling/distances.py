"""How far two pictures are from each other, for searches that follow the gradient."""

import dataclasses
import functools
import io
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import files, projection
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import embedded, lpips, vgg16
from dualcontrast.trainer.features import weights as weight_files

_LARGEST = 256  # Side that LPIPS looks at.
_SMALLEST = 16  # Side of which VGG16 leaves a pixel in its last block.
_EPSILON = 1e-10


@dataclasses.dataclass(frozen=True)
class Named:
    """A distance and what decides it.

    Attributes:
      between: (images, images), [batch, resolution, resolution, channels] in [-1, 1] -> [batch].
      protocol: its name and the sha256 of its weights, ready for JSON.
    """

    between: projection.Distance
    protocol: dict[str, str]


def pixels() -> Named:
    """Returns the mean squared difference, averaged over the image and its halvings to 4x4."""
    return Named(_between_pixels, {"name": "pixels"})


def _between_pixels(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    x, parts = a - b, []
    while True:
        parts.append(tf.reduce_mean(tf.square(x), axis=[1, 2, 3]))
        if x.shape[1] <= 4:
            return tf.add_n(parts) / len(parts)
        x = tf.nn.avg_pool2d(x, 2, 2, "VALID")


def from_embedded() -> Named:
    """Returns a distance by the extractor that comes with the project.

    Of the form of LPIPS, with weights of 1, on the four convolutions; and, because that network
    looks at 32x32 pixels, the distance of the pixels besides.
    """
    content = files.read_bytes(embedded.FILE)
    weights = vgg16.read_arrays(content, f"{embedded.FILE} is damaged: install the project again")

    def between(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        activations = [_embedded_activations(weights, _colours(x)) for x in (a, b)]
        seen = [_between_units(of_a, of_b) for of_a, of_b in zip(*activations)]
        return tf.add_n(seen) / len(seen) + _between_pixels(a, b)

    return Named(between, {"name": "embedded", "sha256": weight_files.digest(content)})


def _embedded_activations(weights: Mapping[str, np.ndarray], images: tf.Tensor) -> list[tf.Tensor]:
    x, found = embedded.prepare((images + 1.0) * 127.5), []
    for index, (_, stride) in enumerate(embedded.CONVOLUTIONS):
        x = tf.nn.conv2d(x, weights[f"conv{index}/kernel"], stride, "SAME")
        x = tf.nn.leaky_relu(x + weights[f"conv{index}/bias"], 0.2)
        found.append(x)
    return found


def _between_units(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    squares = tf.square(_unit(a) - _unit(b))
    return tf.reduce_mean(tf.reduce_sum(squares, axis=3), axis=[1, 2])


def _unit(x: tf.Tensor) -> tf.Tensor:
    # The root of a sum that is never 0: the derivative of a norm at 0 is NaN.
    return x * tf.math.rsqrt(tf.reduce_sum(tf.square(x), axis=3, keepdims=True) + _EPSILON)


def from_lpips(vgg16_place: str, heads_place: str) -> Named:
    """Returns LPIPS of images that are brought to 256x256 if they are larger.

    Args:
      vgg16_place: path or pinned URL of the network's weights, of --vgg16.
      heads_place: path or pinned URL of the weights of its channels, of --lpips.

    Raises:
      UserError: a file is missing or holds something else.
    """
    digest = lpips.load(vgg16_place, heads_place).digest  # refuses what does not fit
    network = vgg16.read(_content(vgg16_place, "--vgg16", vgg16.WHAT), vgg16_place, "--vgg16")
    with np.load(io.BytesIO(_content(heads_place, "--lpips", lpips.WHAT))) as file:
        heads = [file[f"lin{index}"].reshape(-1) for index in range(len(vgg16.BLOCKS))]
    compare = functools.partial(lpips.between, network, heads)

    def between(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        return compare(_colours(_reduced(a)), _colours(_reduced(b)))

    return Named(between, {"name": "lpips", "sha256": digest})


def _content(place: str, flag: str, what: str) -> bytes:
    return weight_files.read(place, flag, what)


def _reduced(images: tf.Tensor) -> tf.Tensor:
    factor = max(1, images.shape[1] // _LARGEST)
    return tf.nn.avg_pool2d(images, factor, factor, "VALID")


def _colours(images: tf.Tensor) -> tf.Tensor:
    """Returns images of one channel with three."""
    return tf.repeat(images, 3, axis=3) if images.shape[3] == 1 else images


def choose(
    name: str, resolution: int, channels: int, vgg16_place: str | None, heads_place: str | None
) -> Named:
    """Returns the distance called `name`: "lpips", "embedded" or "pixels".

    Args:
      name: of the distance.
      resolution, channels: of the images.
      vgg16_place, heads_place: see `from_lpips`.

    Raises:
      UserError: weights are missing, or the network cannot see such images.
    """
    if channels == 4 and name != "pixels":
        raise UserError(
            f"--distance={name} sees RGB or grey images, and the generator's have 4 channels: "
            "give --distance=pixels"
        )
    if resolution < _SMALLEST and name == "lpips":
        raise UserError(
            f"--distance=lpips sees images from {_SMALLEST}x{_SMALLEST} on, and the generator's "
            f"are {resolution}x{resolution}: give --distance=pixels"
        )
    makers: dict[str, Callable[[], Named]] = {
        "lpips": lambda: from_lpips(vgg16_place, heads_place),
        "embedded": from_embedded,
        "pixels": pixels,
    }
    return makers[name]()
