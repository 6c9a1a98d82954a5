"""The perceptual path length of a generator of ours, by LPIPS."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import seeds
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation.fake_labels import Frequencies
from dualcontrast.trainer.evaluation.measure import Result
from dualcontrast.trainer.evaluation.metric_names import PATH_LENGTHS
from dualcontrast.trainer.features import lpips
from dualcontrast.trainer.metrics import perceptual_path_length

_BATCH = 8


def measure(
    metric: str,
    generator: networks.Generator,
    distance: lpips.Distance,
    *,
    pairs: int,
    crop: bool,
    seed: int,
    frequencies: Frequencies | None = None,
    on_count: Callable[[int], None] = lambda count: None,
) -> Result:
    """Returns the path length of a generator without truncation.

    Both ends of a step have the same noise maps and the same class, and each pair has its own.

    Args:
      metric: a key of `PATH_LENGTHS`.
      generator: built, in float32.
      distance: between two images.
      pairs: of images.
      crop: compares the region of an aligned face only.
      seed: of latents and places.
      frequencies: of the classes, where there are any.
      on_count: receives the number of pairs begun so far.

    Raises:
      UserError: images or distances are not finite, or the images have four channels.
    """
    if generator.channels == 4:
        raise UserError(
            f"--metrics={metric} compares RGB or grey images, this generator makes RGBA"
        )
    space, sampling = PATH_LENGTHS[metric]
    if space == "w" and generator.mapping is None:
        raise UserError(f"--metrics={metric} goes through w, and this generator has no mapping")
    drawn = _drawer(generator, space)

    def labels(numbers: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"labels": frequencies.labels(numbers)} if frequencies else {}

    def generate(latents: np.ndarray, batch: int) -> np.ndarray:
        numbers = _numbers(seed, batch, len(latents))
        how = labels(numbers) if space == "z" else {}
        images = drawn(tf.constant(latents, tf.float32), numbers, **how).numpy()
        if not np.isfinite(images).all():
            raise UserError(f"--metrics={metric}: images of batch {batch} hold NaN or infinity")
        on_count(min(pairs, (batch + 1) * _BATCH))
        return images

    def mapping(z: np.ndarray, batch: int) -> np.ndarray:
        how = labels(_numbers(seed, batch, len(z)))
        return generator.mapping(tf.constant(z, tf.float32), **how).numpy()

    estimate = perceptual_path_length.estimate(
        generate,
        distance.between,
        latent_size=generator.latent_size,
        latent=generator.latent,
        mapping=mapping if space == "w" else None,
        sampling=sampling,
        crop=crop,
        pairs=pairs,
        batch_size=_BATCH,
        seed=seed,
    )
    return Result(estimate, "lpips")


def _numbers(seed: int, batch: int, count: int) -> tf.Tensor:
    """Returns which pair of all each of a batch is, which decides its noise and its class."""
    return seed * 2**32 + batch * _BATCH + tf.range(count, dtype=tf.int64)


def _drawer(generator: networks.Generator, space: str) -> Callable:
    """Returns the compiled function of latents in `space` and the numbers of their pairs."""

    def draw(latents, numbers, **how):
        if generator.noise_sides:
            how["noise"] = seeds.noise(numbers, generator.noise_sides)
        if space == "z":
            return generator(latents, **how)
        return generator.synthesis(generator.broadcast(latents), **how)

    return tf.function(draw, autograph=False, reduce_retracing=True)
