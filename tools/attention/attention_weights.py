"""Where attention looks from one place: its weights there, as a map over the image.

Yu et al. 2021 (figure 2.5 of the thesis, figures 6 to 9 of the supplement) show the norm of a
place's weights at every place that they reach.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy import special

from dualcontrast.layers import networks
from dualcontrast.layers.attention import dfn, sagan, san, vt
from dualcontrast.trainer import layer_latents
from dualcontrast.trainer.replaced_call import replaced_call

# The layers whose weights can be drawn, and what they are called.
KINDS = {san.SAN: "san", dfn.DFN: "dfn", sagan.SAGAN: "sagan", vt.VT: "vt"}


class Heard(NamedTuple):
    """What attention did with one image.

    Attributes:
      layer: one of `KINDS`.
      weights: without the batch, see the layer's `call`.
      side: of its map.
    """

    layer: keras.layers.Layer
    weights: np.ndarray
    side: int

    @property
    def kind(self) -> str:
        """What the layer is called."""
        return next(name for kind, name in KINDS.items() if isinstance(self.layer, kind))


class Spread(NamedTuple):
    """What the weights of attention go with, as shares of their mean square; the sum is 1.

    Attributes:
      fixed: the same at every place of every image, as a convolution's kernel is.
      place: differs from place to place, in every image alike.
      image: the rest: what the image decides.
    """

    fixed: float
    place: float
    image: float


@dataclasses.dataclass(frozen=True)
class AttentionMap:
    """How much one place attends to every place.

    Attributes:
      values: [side, side] float32, not negative, of no particular scale.
      entropy: of the weights as shares, in nats: 0 for one place, ln(places) for all alike.
      distance: mean distance of what is attended to, by the weights, in pixels of the map.
    """

    values: np.ndarray
    entropy: float
    distance: float


def layers_of(network: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers of a network, which is built, whose weights can be drawn."""
    return [layer for layer in network._flatten_layers() if isinstance(layer, tuple(KINDS))]


def of_generator(
    generator: networks.Generator, latents: np.ndarray, labels: np.ndarray | None = None
) -> tuple[tf.Tensor, Heard]:
    """Returns the image of latents, with fixed noise, and the attention behind it.

    Args:
      generator: built, with attention.
      latents: of one image, from `layer_latents.of`.
      labels: [1], where there are classes.

    Returns:
      The image, [1, resolution, resolution, channels] float32, and the last attention in it.
    """
    return _listen(generator, lambda: layer_latents.images(generator, latents, labels))


def of_discriminator(
    discriminator: networks.Discriminator, image: tf.Tensor, reference: tf.Tensor
) -> Heard:
    """Returns the last attention to an image.

    Args:
      discriminator: built, with attention.
      image, reference: [1, resolution, resolution, channels] float32 in [-1, 1]; self-attention
        makes no use of the reference.
    """
    if discriminator.takes_references:
        (attend,) = layers_of(discriminator)
        maps, compared = (discriminator.encode(images)[-1] for images in (image, reference))
        _, weights = attend(maps, compared, return_weights=True)
        return Heard(attend, weights[0].numpy(), maps.shape[1])
    # Of any class: the label is asked for after the last map.
    labels = {"labels": tf.zeros([1], tf.int64)} if discriminator.classes else {}
    _, heard = _listen(discriminator, lambda: discriminator(image, **labels))
    return heard


def _listen(network: keras.Model, run: Callable[[], tf.Tensor]) -> tuple[tf.Tensor, Heard]:
    """Runs a network as it is, and returns what it returned and the last attention of one image."""
    heard = []

    def listener(layer):
        original = layer.call

        def listen(x, **how):
            out, weights = original(x, **how, return_weights=True)
            heard.append(Heard(layer, weights[0].numpy(), x.shape[1]))
            return out

        return listen

    with contextlib.ExitStack() as stack:
        for layer in layers_of(network):
            stack.enter_context(replaced_call(layer, listener(layer)))
        returned = run()
    return returned, heard[-1]


def map_of(heard: Heard, place: tuple[int, int], reflections: bool = False) -> AttentionMap:
    """Returns the map of one place.

    SAN and DFN reach a window, SAGAN all places. VT has no weights between places, but between
    places and tokens: the map is that of the token which the place contributes most to.

    Args:
      heard: the attention to one image.
      place: row and column in the layer's map.
      reflections: whether taps beyond a reflecting border are shown, where they are reflected to.
    """
    layer, weights, side = heard
    if isinstance(layer, (san.SAN, dfn.DFN)):
        border = layer.border if reflections else "zero"
        return window_map(weights, place, layer.sharing, border)
    row = weights[place[0] * side + place[1]]
    if isinstance(layer, sagan.SAGAN):
        return global_map(row, place, side)
    return global_map(weights[:, np.argmax(row)], place, side)


def spread(all_heard: Sequence[Heard]) -> Spread:
    """Returns what weights go with, by an analysis of variance without bias.

    Args:
      all_heard: the attention to two images or more.
    """
    weights = np.stack([heard.weights for heard in all_heard]).astype(np.float64)
    weights = weights.reshape(len(weights), all_heard[0].side ** 2, -1)
    images, places, _ = weights.shape
    by_image = weights.var(axis=0, ddof=1).mean()
    by_place = weights.mean(axis=0).var(axis=0, ddof=1).mean() - by_image / images
    everywhere = np.square(weights.mean(axis=(0, 1))).mean() - by_place / places
    everywhere -= by_image / (images * places)
    parts = np.maximum([everywhere, by_place, by_image], 0)
    return Spread(*map(float, parts / max(parts.sum(), 1e-300)))


def entropy_of_chance(heard: Heard) -> float | None:
    """Returns the entropy that a map has whose weights are drawn from one normal distribution.

    A norm over many channels is nearly the same everywhere, whatever the weights: it is chi
    distributed, with as many degrees of freedom as there are maps. None for softmax weights.
    """
    if not isinstance(heard.layer, (san.SAN, dfn.DFN)):
        return None
    taps, maps = heard.weights.shape[-2:]
    logarithm = special.gammaln((maps + 1) / 2) - special.gammaln(maps / 2)
    return float(np.log(taps) + logarithm - special.digamma((maps + 1) / 2) / 2)


def window_map(
    weights: np.ndarray, place: tuple[int, int], sharing: int, border: str
) -> AttentionMap:
    """Returns the Euclidean norm over all channels of every tap's weights, in its place.

    Taps beyond the border are left out, or where it reflects, add to the norm of the place that
    they meet once more. The entropy and the distance are those of all taps.

    Args:
      weights: [side, side, taps, maps].
      place: row and column.
      sharing: channels that use the same weights, each of which counts.
      border: "zero" leaves out, "reflect" adds.
    """
    taps = weights[place].astype(np.float64)
    squares = sharing * np.square(taps).sum(axis=-1)
    reach = round(len(squares) ** 0.5)
    squares = squares.reshape(reach, reach)
    rows, columns = (_met(at, reach // 2, len(weights), border) for at in place)
    inside = np.ix_(rows >= 0, columns >= 0)
    values = np.zeros(weights.shape[:2])
    np.add.at(values, np.ix_(rows[rows >= 0], columns[columns >= 0]), squares[inside])
    offsets = np.arange(reach) - reach // 2
    return _measured(np.sqrt(values), np.sqrt(squares), np.hypot(offsets[:, None], offsets))


def _met(at: int, radius: int, side: int, border: str) -> np.ndarray:
    """Returns the row (or column) that every tap meets, -1 for none."""
    rows = np.arange(side)
    if border == "reflect":
        padded = np.pad(rows, radius, mode="reflect")
    else:
        padded = np.pad(rows, radius, constant_values=-1)
    return padded[at : at + 2 * radius + 1]


def global_map(weights: np.ndarray, place: tuple[int, int], side: int) -> AttentionMap:
    """Returns weights of all places, or of 2x2 cells of them, as a map.

    Args:
      weights: [side^2] or [(side / 2)^2], not negative.
      place: row and column.
      side: of the map.
    """
    own = round(len(weights) ** 0.5)
    values = weights.reshape(own, own).repeat(side // own, axis=0).repeat(side // own, axis=1)
    centers = (np.arange(own) + 0.5) * (side / own) - 0.5
    distances = np.hypot(centers[:, None] - place[0], centers - place[1])
    return _measured(values, weights.reshape(own, own), distances)


def _measured(values: np.ndarray, weights: np.ndarray, distances: np.ndarray) -> AttentionMap:
    shares = weights.astype(np.float64) / max(weights.sum(dtype=np.float64), 1e-300)
    entropy = -np.sum(shares * np.log(np.maximum(shares, 1e-300)))
    distance = np.sum(shares * distances)
    return AttentionMap(values.astype(np.float32), float(entropy), float(distance))
