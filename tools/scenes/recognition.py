"""What is in a picture of a scene: a small network, trained on renders of which that is known.

It says how many solids there are, and the shape and the colour of the largest one. A generator of
scenes is judged by it without any extractor's features: by the share of its images in which a solid
is recognised as clearly as in renders (validity), and by which shapes and colours these are (the
coverage of modes).
"""

import dataclasses
import itertools
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from dualcontrast.tools.scenes import scenes

SHAPES = tuple(shape.__name__.lower() for shape in scenes.SHAPES)
COLOURS = tuple(scenes.COLOURS)
PERCENTILE = 10.0  # Of the confidence in renders: what is above it counts as recognised.

_WIDTHS = (24, 48, 96)
STEP = 2 ** len(_WIDTHS)  # Sides of images are a multiple of it.
_BATCH = 64
_EPOCHS = 6
_RATE = 2e-3


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a recogniser says of images.

    Attributes:
      solids: how many there are, [images] int64.
      shapes: place of the largest one's among `SHAPES`, [images] int64.
      colours: place of its colour among `COLOURS`, [images] int64.
      confidence: the probability of the shape times that of the colour, [images] float32.
    """

    solids: np.ndarray
    shapes: np.ndarray
    colours: np.ndarray
    confidence: np.ndarray


@dataclasses.dataclass(frozen=True)
class Judgement:
    """Images of a generator beside renders.

    Attributes:
      threshold: the confidence that 90 % of renders reach.
      recognised: share of the images that reach it, from 0 to 1.
      shapes: share of each shape among the images that reach it, [3] float64.
      colours: likewise, [8] float64.
      pairs: how many of the 24 pairs of a shape and a colour are among them.
      distance: of the shares of these pairs from those among renders that reach it, total
        variation: from 0, as often, to 1, none in common.
      solids: share of each number of solids among them, from the fewest on, float64.
    """

    threshold: float
    recognised: float
    shapes: np.ndarray
    colours: np.ndarray
    pairs: int
    distance: float
    solids: np.ndarray


class Recogniser:
    """A network that recognises the solids of scenes of one kind.

    Args:
      kind: of the scenes.
      resolution: of the images in pixels, a multiple of `STEP`.
      seed: of its weights and of the order of images.
    """

    def __init__(self, kind: scenes.Kind, resolution: int, seed: int = 0):
        self.kind = kind
        self.resolution = resolution
        self._seed = seed
        self._model = _network(kind, resolution, seed)

    def train(self, count: int, first: int = 0) -> None:
        """Trains on renders.

        Args:
          count: of them.
          first: number of the first one, in the sequence of scenes of seed `SEED`.
        """
        data = tf.data.Dataset.from_tensor_slices(
            rendered(self.kind, self.resolution, count, first)
        )
        data = data.shuffle(count, seed=self._seed).batch(_BATCH)
        steps = _EPOCHS * -(-count // _BATCH)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._model.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_RATE, steps)),
            {name: loss for name in ("solids", "shape", "colour")},
        )
        self._model.fit(data, epochs=_EPOCHS, shuffle=False, verbose=0)

    def see(self, images: Iterator[np.ndarray]) -> Seen:
        """Returns what there is in images, an iterator of uint8 [n, resolution, resolution, 3]."""
        found = [self._model.predict_on_batch(batch) for batch in images]
        odds = {
            name: keras.ops.convert_to_numpy(
                keras.ops.softmax(np.concatenate([logits[name] for logits in found]))
            )
            for name in ("solids", "shape", "colour")
        }
        return Seen(
            self.kind.fewest + odds["solids"].argmax(axis=1),
            odds["shape"].argmax(axis=1),
            odds["colour"].argmax(axis=1),
            odds["shape"].max(axis=1) * odds["colour"].max(axis=1),
        )


SEED = 2**20  # Of renders to recognise by: no dataset that people make has these scenes.


def rendered(
    kind: scenes.Kind, resolution: int, count: int, first: int = 0
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns renders, uint8 [count, resolution, resolution, 3], and what is in each of them."""
    numbers = range(first, first + count)
    composed = [scenes.compose(SEED, number, kind) for number in numbers]
    largest = [scenes.largest(scene) for scene in composed]
    targets = {
        "solids": np.array([len(scene.solids) - kind.fewest for scene in composed]),
        "shape": np.array([SHAPES.index(scenes.shape(solid)) for solid in largest]),
        "colour": np.array([COLOURS.index(scenes.colour(solid)) for solid in largest]),
    }
    images = np.stack([scenes.render(SEED, number, resolution, kind) for number in numbers])
    return images, targets


def batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yields images in batches that a recogniser can see."""
    for first in range(0, len(images), _BATCH):
        yield images[first : first + _BATCH]


def judge(reals: Seen, fakes: Seen, kind: scenes.Kind) -> Judgement:
    """Returns how images of a generator compare with renders of the same kind."""
    threshold = float(np.percentile(reals.confidence, PERCENTILE))
    clear = fakes.confidence >= threshold
    pairs = _pairs(fakes, clear)
    as_often = _pairs(reals, reals.confidence >= threshold)
    return Judgement(
        threshold,
        float(clear.mean()),
        _shares(fakes.shapes[clear], len(SHAPES)),
        _shares(fakes.colours[clear], len(COLOURS)),
        int(np.count_nonzero(pairs)),
        float(np.abs(pairs - as_often).sum() / 2) if clear.any() else 1.0,
        _shares(fakes.solids[clear] - kind.fewest, kind.most - kind.fewest + 1),
    )


def _pairs(seen: Seen, clear: np.ndarray) -> np.ndarray:
    """Returns the share of every pair of a shape and a colour, [24] float64."""
    places = seen.shapes[clear] * len(COLOURS) + seen.colours[clear]
    return _shares(places, len(SHAPES) * len(COLOURS))


def _shares(places: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(places, minlength=count) / max(1, len(places))


def _network(kind: scenes.Kind, resolution: int, seed: int) -> keras.Model:
    """Returns images -> logits by name."""
    initial = (keras.initializers.HeNormal(seed + place) for place in itertools.count())
    images = keras.Input((resolution, resolution, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    for width in _WIDTHS:
        for strides in (2, 1):
            x = keras.layers.Conv2D(
                width, 3, strides, "same", use_bias=False, kernel_initializer=next(initial)
            )(x)
            x = keras.layers.BatchNormalization()(x)
            x = keras.layers.ReLU()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(128, "relu", kernel_initializer=next(initial))(x)
    outputs = {"solids": kind.most - kind.fewest + 1, "shape": len(SHAPES), "colour": len(COLOURS)}
    heads = {
        name: keras.layers.Dense(size, kernel_initializer=next(initial), name=name)(x)
        for name, size in outputs.items()
    }
    return keras.Model(images, heads)
