"""The images that a generator is measured by."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import pictures, seeds
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation.fake_labels import Frequencies
from dualcontrast.trainer.evaluation.image_set import ImageSet

# Always the same, so that rounding does not depend on how many images are wanted.
_BATCH = 16
# From one seed's images to the next one's.
_STRIDE = 2**32

Draw = Callable[..., tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Source:
    """A generator to draw images from, with seed 0 those of `dualcontrast-generate --seeds=0-...`.

    Attributes:
      name: for people, such as the path of a checkpoint.
      resolution, channels: of the images.
      classes: their names; none where it takes no labels.
      origin: what decides its weights, for the protocol.
      seed: another one gives other images: number i of them is seed * 2^32 + i.
      truncation_psi: 1 is the whole variety.
      random_noise: noise maps of each image's own, or fixed ones.
      draw: int64 numbers [16] -> images [16, height, width, channels] in [-1, 1]; takes `labels`,
        int64 [16], where there are classes.
    """

    name: str
    resolution: int
    channels: int
    classes: tuple[str, ...]
    origin: dict[str, Any]
    seed: int
    truncation_psi: float
    random_noise: bool
    draw: Draw

    def images(self, count: int, frequencies: Frequencies | None = None) -> ImageSet:
        """Returns the first images.

        Args:
          count: how many.
          frequencies: of the classes, where there are any.
        """
        protocol = {
            **self.origin,
            **settings(count, self.seed, self.truncation_psi, self.random_noise, frequencies),
            "resolution": self.resolution,
            "channels": self.channels,
        }

        def read() -> Iterator[np.ndarray]:
            return batches(self.draw, self.name, count, self.seed, frequencies)

        return ImageSet(
            self.name,
            count,
            self.resolution,
            self.channels,
            protocol,
            read,
            self.classes if frequencies else (),
            functools.partial(_labels, frequencies, self.seed, count) if frequencies else None,
        )


def of_generator(
    generator: networks.Generator,
    name: str,
    images_seen: int,
    *,
    classes: tuple[str, ...] = (),
    seed: int = 0,
    truncation_psi: float = 1.0,
    random_noise: bool = True,
    threshold: float | None = None,
    standing_batches: int = 0,
) -> Source:
    """Returns a generator to draw images from.

    As published: no truncation, no style mixing, noise drawn for each image.

    Args:
      generator: built, in float32.
      name: of the checkpoint.
      images_seen: by the generator.
      classes: names of those that it has.
      seed: another one gives other images.
      truncation_psi: 1 is the whole variety; another needs a mapping.
      random_noise: noise maps of each image's own, or the generator's fixed ones.
      threshold: see `seeds.truncated`; needs normal z, and no mapping.
      standing_batches: whose moments it has been given, see `standing_moments.take`.

    Raises:
      UserError: a truncation is asked of a generator that cannot.
    """
    check_truncation(generator, truncation_psi, threshold)

    asked = {"truncation_threshold": threshold, "standing_batches": standing_batches or None}

    def draw(numbers: tf.Tensor, **how: Any) -> tf.Tensor:
        z = seeds.latents(numbers, generator.latent_size, generator.latent)
        z = seeds.truncated(z, threshold)
        if random_noise and generator.noise_sides:
            how["noise"] = seeds.noise(numbers, generator.noise_sides)
        if generator.mapping is not None:
            how["truncation_psi"] = truncation_psi
        return generator(z, **how)

    return Source(
        name,
        generator.resolution,
        generator.channels,
        classes,
        {
            "kind": "generator",
            "images_seen": images_seen,
            "weights": weights_digest(generator),
            **{name: value for name, value in asked.items() if value is not None},
        },
        seed,
        truncation_psi,
        random_noise,
        # Traced on the first batch, so that a set whose results are known costs nothing.
        tf.function(draw, autograph=False),
    )


def check_truncation(
    generator: networks.Generator, psi: float, threshold: float | None = None
) -> None:
    """Checks that the generator can pull latents towards their mean, if it is asked to.

    Args:
      generator: built.
      psi: of w; 1 is none.
      threshold: of z; None is none.

    Raises:
      UserError: it has no mapping for the one, or has one in place of the other.
    """
    if psi != 1 and generator.mapping is None:
        raise no_truncation(psi)
    if threshold is None:
        return
    asked = f"--truncation_threshold={threshold:g}"
    if generator.mapping is not None:
        raise UserError(f"{asked}: this generator truncates w, not z: try --truncation_psi=0.7")
    if generator.latent != "normal":
        raise UserError(f"{asked}: the z of this generator is {generator.latent}: drop the flag")


def no_truncation(psi: float) -> UserError:
    """Returns what is said where a truncation is asked of a generator that cannot."""
    return UserError(
        f"--truncation_psi={psi}: this generator has no mapping whose mean it could go by:"
        " drop the flag, or try --truncation_threshold=1 where z is normal"
    )


def settings(
    count: int,
    seed: int,
    truncation_psi: float,
    random_noise: bool,
    frequencies: Frequencies | None = None,
) -> dict[str, Any]:
    """Returns what was asked of a generator, for the protocol."""
    noise = "random" if random_noise else "fixed"
    labels = {"labels": frequencies.protocol()} if frequencies else {}
    return {
        "count": count,
        "seed": seed,
        "truncation_psi": truncation_psi,
        "noise": noise,
        **labels,
    }


def numbers(seed: int, first: int, last: int) -> tf.Tensor:
    """Returns the numbers of images `first` to `last - 1` of a seed, by which they are drawn."""
    return seed * _STRIDE + tf.range(first, last, dtype=tf.int64)


def batches(
    draw: Draw, name: str, count: int, seed: int, frequencies: Frequencies | None = None
) -> Iterator[np.ndarray]:
    """Yields uint8 images, 16 at a time, the last of them fewer.

    Args:
      draw: see `Source`.
      name: of the generator, for the message.
      count: of all images.
      seed: number i of the images is seed * 2^32 + i.
      frequencies: of the classes, where there are any.

    Raises:
      UserError: an image is not finite.
    """
    for first in range(0, count, _BATCH):
        drawn = numbers(seed, first, first + _BATCH)
        images = draw(drawn, **({"labels": frequencies.labels(drawn)} if frequencies else {}))
        finite = tf.reduce_all(tf.math.is_finite(images), axis=[1, 2, 3]).numpy()
        if not finite.all():
            image = first + int(np.argmin(finite))
            raise UserError(f"{name}: image {image} of seed {seed} holds NaN or infinity")
        yield pictures.to_uint8(images).numpy()[: count - first]


def _labels(frequencies: Frequencies, seed: int, count: int) -> np.ndarray:
    return frequencies.labels(numbers(seed, 0, count)).numpy()


def weights_digest(network: keras.Model) -> str:
    """Returns the sha256 of all variables."""
    found = hashlib.sha256()
    for variable in network.variables:
        found.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return found.hexdigest()
