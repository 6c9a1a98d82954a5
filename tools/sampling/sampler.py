"""Images from seeds: one by one, with mixed styles, and on the way from one seed to the next."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import layer_latents, pictures
from dualcontrast.trainer import seeds as draws

_BATCH = 8


class Sampler:
    """Makes uint8 images with a generator.

    Where it has classes, `label` is the class of the images; None for each seed's own.

    Args:
      generator: built.
      truncation_psi: 1 is the whole variety, 0 the mean image; 1 where there is no mapping.
      random_noise: noise maps drawn from each image's seed, in place of the generator's fixed ones.
      threshold: see `layer_latents.of`.
    """

    def __init__(
        self,
        generator: networks.Generator,
        truncation_psi: float,
        random_noise: bool,
        threshold: float | None = None,
    ):
        self._generator = generator
        self._psi = truncation_psi
        self._threshold = threshold
        self._sides = generator.noise_sides if random_noise else []
        self._synthesize = tf.function(self._graph, autograph=False, reduce_retracing=True)

    def latents(self, seeds: list[int]) -> np.ndarray:
        """Returns z, [count, latent_size] float32."""
        size, latent = self._generator.latent_size, self._generator.latent
        return draws.latents(tf.constant(seeds, tf.int64), size, latent).numpy()

    def labels(self, seeds: list[int], label: int | None = None) -> np.ndarray | None:
        """Returns the class of every image, [count] int64; None where there are no classes."""
        if not self._generator.classes:
            return None
        if label is not None:
            return np.full(len(seeds), label, np.int64)
        return draws.labels(tf.constant(seeds, tf.int64), self._generator.classes).numpy()

    def styles(self, z: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Returns the truncated w of z, [count, latents, w_size] float32, one a layer.

        Where there is no mapping it is z itself that enters the layers.
        """
        return np.asarray(layer_latents.of(self._generator, z, labels, self._psi, self._threshold))

    def images(
        self, w: np.ndarray, seeds: list[int], labels: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """Yields uint8 [resolution, resolution, channels] for every w, in order.

        Args:
          w: from `styles`, [count, ...].
          seeds: [count], of the noise maps where they are random.
          labels: [count], where there are classes.
        """
        for first in range(0, len(w), _BATCH):
            batch = slice(first, first + _BATCH)
            numbers = tf.constant(seeds[batch], tf.int64)
            of_batch = None if labels is None else labels[batch]
            yield from self._synthesize(w[batch], numbers, of_batch).numpy()

    def from_seeds(self, seeds: list[int], label: int | None = None) -> Iterator[np.ndarray]:
        """Yields the image of every seed; latents are drawn as the images are asked for."""
        for first in range(0, len(seeds), _BATCH):
            batch = seeds[first : first + _BATCH]
            labels = self.labels(batch, label)
            yield from self.images(self.styles(self.latents(batch), labels), batch, labels)

    def mixed(
        self, row: int, columns: list[int], layers: list[int], label: int | None = None
    ) -> Iterator[np.ndarray]:
        """Yields images with the styles of seed `row`, and those of a column's seed in `layers`.

        Karras et al. 2019, section 3.1. Random noise is the row's. It needs a mapping.
        """
        own = self.styles(self.latents([row]), self.labels([row], label))
        w = np.repeat(own, len(columns), axis=0)
        others = self.styles(self.latents(columns), self.labels(columns, label))
        w[:, layers] = others[:, layers]
        yield from self.images(w, [row] * len(columns))

    def interpolated(
        self, seeds: list[int], frames: int, label: int | None = None
    ) -> Iterator[np.ndarray]:
        """Yields `frames` images from each seed to the next, and from the last to the first.

        The way is a great circle in z: every frame is an image that the generator could have drawn,
        where a straight line in w would pass closer to the mean image. Where z is uniform it is a
        straight line, which stays between -1 and 1. The first seed's class is that of them all.
        """
        between = lerp if self._generator.latent == "uniform" else slerp
        z = self.latents(seeds)
        numbers = [seeds[0]] * frames
        labels = self.labels(numbers, label)
        for start, end in zip(z, np.roll(z, -1, axis=0)):
            path = np.stack([between(start, end, step / frames) for step in range(frames)])
            yield from self.images(self.styles(path, labels), numbers, labels)

    def _graph(self, w, seeds, labels):
        noise = draws.noise(seeds, self._sides) if self._sides else None
        return pictures.to_uint8(layer_latents.images(self._generator, w, labels, noise))


def lerp(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """Returns the point at `share` of the straight way, 0 to 1.

    Args:
      start, end: [size] float32.
      share: 0 is `start`, 1 is `end`.
    """
    return start + np.float32(share) * (end - start)


def slerp(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """Returns the point at `share` of the way on the great circle, of the root mean square 1.

    Args:
      start, end: [size] float32, not zero and not opposite.
      share: 0 is the direction of `start`, 1 that of `end`.
    """
    a, b = (x.astype(np.float64) / np.linalg.norm(x) for x in (start, end))
    angle = np.arccos(np.clip(a @ b, -1, 1))
    # The same direction twice has no circle, and sin(angle) would divide by zero.
    point = a if angle < 1e-6 else np.sin((1 - share) * angle) * a + np.sin(share * angle) * b
    return (point / np.linalg.norm(point) * len(point) ** 0.5).astype(np.float32)
