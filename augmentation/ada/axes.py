"""Linear maps of rows and columns: a separable filter of images is a matrix for each axis."""

import numpy as np
import tensorflow as tf


def reflected(places: np.ndarray, side: int) -> np.ndarray:
    """Returns the pixels that are seen at places in and around an image with mirrors at its ends.

    The outermost pixels are not repeated, and mirrors see each other.

    Args:
      places: whole numbers, of which 0 ... side - 1 are in the image.
      side: of the image, in pixels, at least 2.
    """
    period = 2 * (side - 1)
    places = np.mod(places, period)
    return np.minimum(places, period - places)


def map_axes(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Returns rows · image · columnsᵀ, for every channel: [batch, new height, new width, channels].

    Args:
      images: [batch, height, width, channels] float32.
      rows: [new height, height] float32, or one for each image.
      columns: [new width, width] float32, or one for each image.
    """
    across = _map_rows(tf.transpose(images, [0, 2, 1, 3]), columns)
    return _map_rows(tf.transpose(across, [0, 2, 1, 3]), rows)


def _map_rows(images: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    _, height, width, channels = images.shape
    mapped = tf.matmul(matrix, tf.reshape(images, [-1, height, width * channels]))
    return tf.reshape(mapped, [-1, matrix.shape[-2], width, channels])
