"""SimCLR's crop, enlarged to the size of the image, and its flip: one resampling."""

import math

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws

ASPECT = 4 / 3  # of a crop: from its inverse to it
POOL = 10  # crops drawn for an image


def random_resized_crop(images: tf.Tensor, draws: Draws, *, least_area: float = 0.2) -> tf.Tensor:
    """Returns rectangles of the images, each resampled to the whole size.

    Bilinear between the centres of pixels, without smoothing before; beyond them the image is
    reflected about its edges. A crop is mirrored with probability 1/2 besides, which the same
    resampling does exactly.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
      least_area: of a crop, as a share of the image, in (0, 1]; it is uniform from there to 1.
    """
    height, width = images.shape[1:3]

    def draw(batch: int, seed: tf.Tensor) -> tf.Tensor:
        return _crops(batch, seed, height, width, least_area)

    rows, columns, down, right = tf.unstack(draws.of_batch("crops", draw), axis=1)
    across = _positions(columns, right, width)
    mirrored = draws.uniform("flip", (1,)) < 0.5
    across = tf.where(mirrored, tf.reverse(across, [1]), across)
    vertical = _weights(_positions(rows, down, height), height)
    horizontal = _weights(across, width)
    images = tf.einsum("nyh,nhwc->nywc", vertical, images)
    return tf.einsum("nxw,nywc->nyxc", horizontal, images)


def _crops(batch: int, seed: tf.Tensor, height: int, width: int, least_area: float) -> tf.Tensor:
    """Returns rows, columns, and offsets of the middle down and right, [batch, 4] float32.

    The sizes are chosen among ten times as many, of those that fit; where too few do, the rest is
    the whole image. Offsets are in half pixels.
    """
    fold = tf.random.experimental.stateless_fold_in
    area, ratio, order = (
        tf.random.stateless_uniform([POOL * batch], fold(seed, index)) for index in range(3)
    )
    area = (least_area + (1 - least_area) * area) * (height * width)
    aspect = tf.exp((2 * ratio - 1) * math.log(ASPECT))
    columns = tf.round(tf.sqrt(area * aspect))
    rows = tf.round(tf.sqrt(area / aspect))
    fits = (columns >= 1) & (columns <= width) & (rows >= 1) & (rows <= height)
    columns, rows = tf.where(fits, columns, width), tf.where(fits, rows, height)
    # A random order, with those that do not fit behind.
    chosen = tf.argsort(tf.where(fits, order, order + 1))[:batch]
    columns, rows = tf.gather(columns, chosen), tf.gather(rows, chosen)
    offsets = tf.random.stateless_uniform([2, batch], fold(seed, 3))
    return tf.stack(
        [rows, columns, _offset(height - rows, offsets[0]), _offset(width - columns, offsets[1])],
        axis=1,
    )


def _offset(slack: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Returns a whole number from -slack to slack."""
    # In float32 the product may round up to the number of choices.
    return tf.minimum(tf.floor(uniform * (2 * slack + 1)), 2 * slack) - slack


def _positions(size: tf.Tensor, offset: tf.Tensor, side: int) -> tf.Tensor:
    """Returns where in the image each of `side` pixels of a crop is, [batch, side] float32."""
    centers = (2 * tf.range(side, dtype=tf.float32) + 1) / side - 1
    return (size[:, None] * centers + offset[:, None] + (side - 1)) / 2


def _weights(positions: tf.Tensor, side: int) -> tf.Tensor:
    """Returns the shares of `side` pixels at each position, [batch, positions, side] float32."""
    # A crop ends half a pixel beyond the outermost centres; a reflection about the edge, there, has
    # the value of the outermost pixel.
    positions = tf.clip_by_value(positions, 0, side - 1)
    return tf.nn.relu(1 - tf.abs(positions[:, :, None] - tf.range(side, dtype=tf.float32)))
