"""What enters the layers of a generator, and their images, whatever its family can do."""

from typing import Any

import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import seeds


def of(
    generator: networks.Generator,
    z: tf.Tensor,
    labels: tf.Tensor | None = None,
    truncation_psi: tf.Tensor | float = 1.0,
    threshold: float | None = None,
) -> tf.Tensor:
    """Returns the truncated w of z, [batch, latents, w_size]; z itself where there is no mapping.

    Args:
      generator: built.
      z: [batch, latent_size], as the generator draws it.
      labels: [batch] int, where there are classes.
      truncation_psi: a number or a scalar tensor; of w.
      threshold: see `seeds.truncated`; of z, where there is no mapping.
    """
    if generator.mapping is None:
        return seeds.truncated(z, threshold)
    return generator.truncate(generator.broadcast(generator.mapping(z, labels)), truncation_psi)


def images(
    generator: networks.Generator,
    latents: tf.Tensor,
    labels: tf.Tensor | None = None,
    noise: list[tf.Tensor] | None = None,
) -> tf.Tensor:
    """Returns the images, [batch, resolution, resolution, channels], of what `of` returned.

    Args:
      generator: built.
      latents: w, or z where there is no mapping.
      labels: [batch] int, where there are classes; w has them in it.
      noise: a map [batch, side, side, 1] for each of `noise_sides`; None for the fixed ones.
    """
    how: dict[str, Any] = {} if noise is None else {"noise": noise}
    if generator.mapping is not None:
        return generator.synthesis(latents, **how)
    if generator.classes:
        how["labels"] = labels
    return generator(latents, **how)
