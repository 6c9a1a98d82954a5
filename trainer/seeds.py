"""What a seed stands for when images are generated: the same latents and noise in every tool.

A seed's draws depend on nothing else: not on the batch, the other seeds, or the process.
"""

import tensorflow as tf


def latents(seeds: tf.Tensor, size: int) -> tf.Tensor:
    """Returns z, standard normal [count, size] float32, of `seeds`, [count] int64."""
    return _draw(seeds, [size], 0)


def noise(seeds: tf.Tensor, sides: list[int]) -> list[tf.Tensor]:
    """Returns a standard normal map for every side, [count, side, side, 1] float32.

    Args:
      seeds: [count] int64.
      sides: of the layers' noise maps, as in `SynthesisNetwork.noise_sides`.
    """
    return [_draw(seeds, [side, side, 1], 1 + layer) for layer, side in enumerate(sides)]


def _draw(seeds: tf.Tensor, shape: list[int], part: int) -> tf.Tensor:
    return tf.map_fn(
        lambda seed: tf.random.stateless_normal(shape, [seed, part]),
        tf.cast(seeds, tf.int64),
        fn_output_signature=tf.TensorSpec(shape, tf.float32),
    )
