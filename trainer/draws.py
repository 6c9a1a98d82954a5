"""Every random number of training, as a function of the run's seed, the images seen and a purpose.

Nothing random is ever saved: whoever knows how many images were seen knows every draw. Draws are
made for the whole global batch, and replica r of R takes samples r, r + R, r + 2R, ...: the number
of devices changes neither which latents a batch has nor which samples share a minibatch standard
deviation, so a run may be continued on another number of devices.
"""

import contextlib
import copy
import enum
import itertools
import zlib
from collections.abc import Callable

import tensorflow as tf


class Purpose(enum.IntEnum):
    """What a draw is for; the numbers are part of every run's history, so they never change."""

    GENERATOR = 0
    PATH_LENGTH = 1
    DISCRIMINATOR = 2
    GRID = 3
    GRADIENT_PENALTY = 4
    STANDING = 5


class _Part(enum.IntEnum):
    LATENTS = 0
    MIXED_LATENTS = 1
    MIX_COIN = 2
    MIX_CUTOFF = 3
    NOISE = 4
    DIRECTIONS = 5
    MIXTURE = 6
    LABELS = 7


class Draws:
    """The draws of one step for one purpose: of the whole batch, or of a share of it.

    Args:
      seed: of the run, int.
      images_seen: before the step, int64 scalar (a tensor, or an int).
      purpose: of the step.
      batch: samples over all replicas.
      repeat: which of several steps with one purpose and one count of images, from 0.
      class_counts: images of every class, by which labels are drawn; None for uniform ones.
    """

    def __init__(
        self,
        seed: int,
        images_seen: tf.Tensor | int,
        purpose: Purpose,
        batch: int,
        repeat: int = 0,
        class_counts: tuple[int, ...] | None = None,
    ):
        pair = tf.constant([seed, int(purpose)], tf.int32)
        self._seed = _fold(pair, tf.cast(images_seen, tf.int64))
        if repeat:
            self._seed = _fold(self._seed, repeat)
        self._batch, self._index, self._count = batch, 0, 1
        self._names: tuple[str, ...] = ()
        self._class_counts = class_counts
        self._labels: tf.Tensor | None = None
        self._graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()

    def share(self, index: tf.Tensor | int, count: int) -> "Draws":
        """Returns the draws of every `count`-th sample of these, from `index` on."""
        found = copy.copy(self)
        found._index = self._index + self._count * index
        found._count = self._count * count
        if self._labels is not None:
            found._labels = share(self._labels, index, count)
        return found

    def labelled(self, labels: tf.Tensor) -> "Draws":
        """Returns the same draws with these classes, [samples] int64, in place of drawn ones."""
        found = copy.copy(self)
        found._labels = labels
        return found

    def named(self, name: str) -> "Draws":
        """Returns draws of their own for something in the step, such as its reals."""
        found = copy.copy(self)
        found._names = (*self._names, name)
        return found

    def uniform(self, name: str, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns what `augmentation.draws` asks for."""
        return self.of_batch(
            name, lambda batch, seed: tf.random.stateless_uniform([batch, *shape], seed)
        )

    def normal(self, name: str, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns what `augmentation.draws` asks for."""
        return self.of_batch(
            name, lambda batch, seed: tf.random.stateless_normal([batch, *shape], seed)
        )

    def integers(self, name: str, below: int, shape: tuple[int, ...] = ()) -> tf.Tensor:
        """Returns what `augmentation.draws` asks for."""
        return self.of_batch(
            name,
            lambda batch, seed: tf.random.stateless_uniform(
                [batch, *shape], seed, 0, below, tf.int32
            ),
        )

    def once(self, name: str) -> tf.Tensor:
        """Returns what `augmentation.draws` asks for."""
        return self._outside(lambda: tf.random.stateless_uniform([], self._seed_named(name)))

    def of_batch(self, name: str, draw: Callable[[int, tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """Returns what `augmentation.draws` asks for."""
        return self._mine(lambda: draw(self._batch, self._seed_named(name)))

    def _seed_named(self, name: str) -> tf.Tensor:
        seed = self._seed
        for one in (*self._names, name):
            seed = _fold(seed, zlib.crc32(one.encode()))
        return seed

    def _normal(self, shape: list[int], part: _Part, layer: int = 0) -> tf.Tensor:
        return self._mine(
            lambda: tf.random.stateless_normal([self._batch, *shape], self._seed_of(part, layer))
        )

    def _seed_of(self, part: _Part, layer: int = 0) -> tf.Tensor:
        return _fold(_fold(self._seed, int(part)), layer)

    def _mine(self, whole: Callable[[], tf.Tensor]) -> tf.Tensor:
        """Returns this share of what `whole` draws."""
        return share(self._outside(whole), self._index, self._count)

    def _outside(self, draw: Callable[[], tf.Tensor]) -> tf.Tensor:
        """Returns what `draw` draws, where the step began.

        That is once for all parts, and outside of what XLA compiles, whose generators give other
        numbers for the same seed.
        """
        with self._graph.as_default() if self._graph else contextlib.nullcontext():
            return draw()

    def latents(self, size: int, distribution: str = "normal") -> tf.Tensor:
        """Returns z, [samples, size], standard normal, or "uniform" from -1 to 1."""
        if distribution == "normal":
            return self._normal([size], _Part.LATENTS)
        seed = self._seed_of
        return self._mine(
            lambda: tf.random.stateless_uniform([self._batch, size], seed(_Part.LATENTS), -1, 1)
        )

    def labels(self, classes: int) -> tf.Tensor:
        """Returns classes, [samples] int64: given ones, those of drawn images, or uniform."""
        if self._labels is not None:
            return self._labels
        counts = self._class_counts or (1,) * classes
        ends = list(itertools.accumulate(counts))

        def whole():
            image = tf.random.stateless_uniform(
                [self._batch], self._seed_of(_Part.LABELS), 0, ends[-1], tf.int64
            )
            bounds = tf.constant(ends, tf.int64)
            return tf.searchsorted(bounds, image, side="right", out_type=tf.int64)

        return self._mine(whole)

    def mixed_latents(self, size: int) -> tf.Tensor:
        """Returns the second z of style mixing, [samples, size] standard normal."""
        return self._normal([size], _Part.MIXED_LATENTS)

    def mixing_cutoffs(self, latents: int, probability: float) -> tf.Tensor:
        """Returns the first layer with the second latent, [samples] int32.

        Uniform in 1 ... latents - 1 with the given probability, else `latents`: nothing mixed.
        Departs from StyleGAN2, which draws one cutoff for all samples of a GPU: a draw a sample has
        the same distribution for every image and does not depend on the number of GPUs.
        """

        def whole():
            coin = tf.random.stateless_uniform([self._batch], self._seed_of(_Part.MIX_COIN))
            cutoff = tf.random.stateless_uniform(
                [self._batch], self._seed_of(_Part.MIX_CUTOFF), 1, latents, tf.int32
            )
            return tf.where(coin < probability, cutoff, latents)

        return self._mine(whole)

    def noise(self, sides: list[int]) -> list[tf.Tensor]:
        """Returns a standard normal map, [samples, side, side, 1], for every side."""
        return [self._normal([side, side, 1], _Part.NOISE, i) for i, side in enumerate(sides)]

    def directions(self, resolution: int, channels: int) -> tf.Tensor:
        """Returns standard normal images, [samples, resolution, resolution, channels]."""
        return self._normal([resolution, resolution, channels], _Part.DIRECTIONS)

    def mixture(self) -> tf.Tensor:
        """Returns the shares of fakes in mixed images, [samples], uniform in [0, 1)."""
        seed = self._seed_of
        return self._mine(lambda: tf.random.stateless_uniform([self._batch], seed(_Part.MIXTURE)))


def _fold(seed: tf.Tensor, number: tf.Tensor | int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, number)


def share(batch: tf.Tensor, replica: tf.Tensor | int, replicas: int) -> tf.Tensor:
    """Returns one replica's samples of a global batch: every `replicas`-th from `replica` on.

    Args:
      batch: [batch, ...], divisible by `replicas`.
      replica: which one, from 0.
      replicas: how many there are.
    """
    if replicas == 1:
        return batch
    strided = tf.reshape(batch, [batch.shape[0] // replicas, replicas, *batch.shape[1:]])
    return tf.gather(strided, replica, axis=1)


def shares(batch: tf.Tensor, strategy: tf.distribute.Strategy):
    """Returns the share of each replica on this host, a value of the strategy.

    Args:
      batch: this host's part of a global batch, [samples, ...], divisible by its replicas.
      strategy: that trains.
    """
    own = len(strategy.extended.worker_devices)
    return strategy.experimental_distribute_values_from_function(
        lambda context: share(batch, context.replica_id_in_sync_group % own, own)
    )
