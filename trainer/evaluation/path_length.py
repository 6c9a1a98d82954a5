"""The perceptual path length of a generator of ours, by LPIPS."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import tensorflow as tf

from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.trainer import seeds
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation.measure import Result
from dualcontrast.trainer.features import lpips
from dualcontrast.trainer.metrics import perceptual_path_length

# Space of the path and places of the steps, by the names of StyleGAN2's metrics.
METRICS: dict[str, tuple[str, Literal["full", "end"]]] = {
    "ppl_zfull": ("z", "full"),
    "ppl_zend": ("z", "end"),
    "ppl_wfull": ("w", "full"),
    "ppl_wend": ("w", "end"),
}
_BATCH = 8


def measure(
    metric: str,
    generator: generators.Generator,
    distance: lpips.Distance,
    *,
    pairs: int,
    crop: bool,
    seed: int,
    on_count: Callable[[int], None] = lambda count: None,
) -> Result:
    """Returns the path length of a generator without truncation.

    Both ends of a step have the same noise maps, and each pair has its own.

    Args:
      metric: a key of `METRICS`.
      generator: built, in float32.
      distance: between two images.
      pairs: of images.
      crop: compares the region of an aligned face only.
      seed: of latents and places.
      on_count: receives the number of pairs begun so far.

    Raises:
      UserError: images or distances are not finite, or the images have four channels.
    """
    if generator.synthesis.channels == 4:
        raise UserError(
            f"--metrics={metric} compares RGB or grey images, this generator makes RGBA"
        )
    space, sampling = METRICS[metric]
    drawn = _drawer(generator, space)

    def generate(latents: np.ndarray, batch: int) -> np.ndarray:
        first = tf.constant(seed * 2**32 + batch * _BATCH, tf.int64)
        images = drawn(tf.constant(latents, tf.float32), first).numpy()
        if not np.isfinite(images).all():
            raise UserError(f"--metrics={metric}: images of batch {batch} hold NaN or infinity")
        on_count(min(pairs, (batch + 1) * _BATCH))
        return images

    def mapping(z: np.ndarray) -> np.ndarray:
        return generator.mapping(tf.constant(z, tf.float32)).numpy()

    estimate = perceptual_path_length.estimate(
        generate,
        distance.between,
        latent_size=generator.latent_size,
        mapping=mapping if space == "w" else None,
        sampling=sampling,
        crop=crop,
        pairs=pairs,
        batch_size=_BATCH,
        seed=seed,
    )
    return Result(estimate, "lpips")


def _drawer(generator: generators.Generator, space: str) -> Callable:
    """Returns the compiled function of latents in `space` and the number of the first's noise."""

    def draw(latents, first):
        count = tf.shape(latents)[0]
        numbers = first + tf.range(tf.cast(count, tf.int64))
        noise = seeds.noise(numbers, generator.synthesis.noise_sides)
        if space == "z":
            return generator(latents, noise=noise)
        return generator.synthesis(generator.broadcast(latents), noise=noise)

    return tf.function(draw, autograph=False, reduce_retracing=True)
