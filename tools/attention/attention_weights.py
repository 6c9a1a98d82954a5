"""Where attention looks from one place: its weights there, as a map over the image.

Yu et al. 2021 (figure 2.5 of the thesis, figures 6 to 9 of the supplement) show the norm of a
place's weights at every place that they reach.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from dualcontrast.layers.attention import dfn, sagan, san
from dualcontrast.layers.stylegan2 import discriminator as discriminators
from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.trainer.features.discriminator import replaced_call


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


def of_generator(
    generator: generators.Generator, w: np.ndarray
) -> tuple[tf.Tensor, keras.layers.Layer, np.ndarray]:
    """Returns the image of w, with fixed noise, and the attention behind it.

    The network runs as it is and its attention is listened to. Where both convolutions of a
    resolution are replaced, it is the second one's.

    Args:
      generator: built, with attention.
      w: [1, latents, w_size] float32.

    Returns:
      The image, [1, resolution, resolution, channels] float32; the attention layer; its weights
      without the batch, see the layer's `call`.
    """
    layers = [layer for layer in generator.synthesis.layers if layer.attention is not None]
    attend = layers[-1].convolution.attend
    heard = []
    original = attend.call

    def listen(x):
        out, weights = original(x, return_weights=True)
        heard.append(weights)
        return out

    with replaced_call(attend, listen):
        image = generator.synthesis(w)
    (weights,) = heard
    return image, attend, weights[0].numpy()


def of_discriminator(
    discriminator: discriminators.Discriminator, image: tf.Tensor, reference: tf.Tensor
) -> tuple[keras.layers.Layer, np.ndarray]:
    """Returns the attention layer, and its weights [side, side, taps, maps].

    Args:
      discriminator: built, with attention.
      image, reference: [1, resolution, resolution, channels] float32 in [-1, 1]; self-attention
        makes no use of the reference.
    """
    (attend,) = (block.same for block in discriminator.blocks if block.attention is not None)
    maps = discriminator.encode(image)
    if discriminator.takes_references:
        _, weights = attend(maps, discriminator.encode(reference), return_weights=True)
    else:
        _, weights = attend(maps, return_weights=True)
    return attend, weights[0].numpy()


def map_of(
    layer: keras.layers.Layer,
    weights: np.ndarray,
    place: tuple[int, int],
    side: int,
    reflections: bool = False,
) -> AttentionMap:
    """Returns the map of one place.

    SAN and DFN reach a window, SAGAN all places. VT has no weights between places, but between
    places and tokens: the map is that of the token which the place contributes most to.

    Args:
      layer: the attention.
      weights: of one image, see the layer's `call`.
      place: row and column in the layer's map.
      side: of that map.
      reflections: whether taps beyond a reflecting border are shown, where they are reflected to.
    """
    if isinstance(layer, (san.SAN, dfn.DFN)):
        border = layer.border if reflections else "zero"
        return window_map(weights, place, layer.sharing, border)
    row = weights[place[0] * side + place[1]]
    if isinstance(layer, sagan.SAGAN):
        return global_map(row, place, side)
    return global_map(weights[:, np.argmax(row)], place, side)


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
