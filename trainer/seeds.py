"""What a seed stands for in every tool that generates images: latents, a class, and noise.

A seed's draws depend on nothing else: not on the batch, the other seeds, or the process.
"""

from collections.abc import Callable

import tensorflow as tf

_LATENTS, _NOISE, _LABEL = 0, 1, -1  # What a draw is for; the layers' noise goes on from its own.


def latents(seeds: tf.Tensor, size: int, distribution: str) -> tf.Tensor:
    """Returns z, [count, size] float32.

    Args:
      seeds: [count] int64.
      size: of z.
      distribution: "normal", which is the standard one, or "uniform" from -1 to 1; see
        `networks.Generator.latent`. Without a default, for who forgets it draws other images.
    """
    if distribution == "normal":
        return _draw(seeds, [size], _LATENTS)
    return _draw(seeds, [size], _LATENTS, _uniform)


def truncated(z: tf.Tensor, threshold: float | None) -> tf.Tensor:
    """Returns z as if every number beyond +-threshold had been drawn again until it was not.

    The truncation trick (Brock et al. 2019, 3.1). Numbers keep their order and their sign: each
    goes to the one with the same share of the truncated distribution below it, so that a seed's
    image is a less varied form of the same.

    Args:
      z: standard normal, of any shape.
      threshold: positive; None for no truncation.
    """
    if threshold is None:
        return z
    root = 2**0.5
    share = tf.math.erf(tf.abs(z) / root) * tf.math.erf(threshold / root)
    # Where the share is rounded to 1 its inverse is infinite.
    found = tf.minimum(root * tf.math.erfinv(share), tf.minimum(tf.abs(z), threshold))
    return tf.sign(z) * found


def labels(seeds: tf.Tensor, classes: int) -> tf.Tensor:
    """Returns the seeds' own classes, [count] int64, every class as likely as any other.

    Args:
      seeds: [count] int64.
      classes: how many there are.
    """
    return tf.map_fn(
        lambda seed: tf.random.stateless_uniform([], [seed, _LABEL], 0, classes, tf.int64),
        tf.cast(seeds, tf.int64),
    )


def noise(seeds: tf.Tensor, sides: list[int]) -> list[tf.Tensor]:
    """Returns a standard normal map for every side, [count, side, side, 1] float32.

    Args:
      seeds: [count] int64.
      sides: of the layers' noise maps, as in `SynthesisNetwork.noise_sides`.
    """
    return [_draw(seeds, [side, side, 1], _NOISE + layer) for layer, side in enumerate(sides)]


def _uniform(shape: list[int], seed) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, seed, -1, 1)


def _draw(
    seeds: tf.Tensor, shape: list[int], part: int, draw: Callable = tf.random.stateless_normal
) -> tf.Tensor:
    return tf.map_fn(
        lambda seed: draw(shape, [seed, part]),
        tf.cast(seeds, tf.int64),
        fn_output_signature=tf.TensorSpec(shape, tf.float32),
    )
