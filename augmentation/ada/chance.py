"""What happens to some of the images only."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws


def sometimes(
    drawn: tf.Tensor, otherwise: float, name: str, draws: Draws, probability: tf.Tensor | float
) -> tf.Tensor:
    """Returns what was drawn, or a number that changes nothing, for each image by its own coin.

    Args:
      drawn: [images, ...] float32.
      otherwise: the number that changes nothing.
      name: of what is done; its coin has a draw of its own.
      draws: of the images.
      probability: that it is done.
    """
    coin = draws.uniform(f"{name}_coin", (1,) * (drawn.shape.rank - 1))
    return tf.where(coin < probability, drawn, otherwise)
