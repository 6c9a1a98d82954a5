"""A flip and a shift by whole pixels, which consistency regularisation compares images under."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws


def flip_shift(images: tf.Tensor, draws: Draws, *, shift: float = 0.125) -> tf.Tensor:
    """Returns the images, each flipped with probability 1/2 and moved by whole pixels.

    CR-GAN's change (Zhang et al. 2020, section 4.1). What comes in from outside is the image
    reflected about its edges, with the outermost pixels repeated, as in ContraD's program.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
      shift: most that an image is moved by along each axis, as a share of its side.
    """
    rows = _moved("rows", images.shape[1], shift, draws)
    columns = _moved("columns", images.shape[2], shift, draws)
    flipped = (draws.uniform("flip") < 0.5)[:, None]
    columns = tf.where(flipped, images.shape[2] - 1 - columns, columns)
    return tf.gather(tf.gather(images, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def _moved(name: str, side: int, share: float, draws: Draws) -> tf.Tensor:
    """Returns where each row comes from in an image between mirrors, [batch, side]."""
    reach = int(side * share + 0.5)
    shift = draws.integers(name, 2 * reach + 1, (1,)) - reach
    index = tf.range(side) + shift
    return tf.where(index < 0, -1 - index, tf.where(index < side, index, 2 * side - 1 - index))
