"""SimCLR's blur."""

import tensorflow as tf

from dualcontrast.augmentation.draws import Draws
from dualcontrast.augmentation.simclr.random_apply import random_apply

PROBABILITY = 0.5
SIGMA = (0.1, 2.0)  # in pixels, from and to
LEAST_SIDE = 20  # of images with a kernel of more than a pixel


def gaussian_blur(images: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Returns the images, each blurred with probability 1/2.

    By a Gaussian whose standard deviation is drawn once for the batch, from U(0.1, 2) pixels, and
    whose kernel is about a tenth of the image; the image is reflected about its outermost pixels.

    Args:
      images: [batch, height, width, channels] float32.
      draws: of the images.
    """
    least, most = SIGMA
    sigma = least + (most - least) * draws.once("sigma")
    reach = kernel_size(images.shape[1]) // 2
    offsets = tf.range(-reach, reach + 1, dtype=tf.float32)
    kernel = tf.nn.softmax(-tf.square(offsets / sigma) / 2)
    blurred = tf.pad(images, [[0, 0], [reach, reach], [reach, reach], [0, 0]], "REFLECT")
    for shape in ([-1, 1, 1, 1], [1, -1, 1, 1]):
        filters = tf.tile(tf.reshape(kernel, shape), [1, 1, images.shape[3], 1])
        blurred = tf.nn.depthwise_conv2d(blurred, filters, [1, 1, 1, 1], "VALID")
    return random_apply(images, blurred, draws, PROBABILITY)


def kernel_size(side: int) -> int:
    """Returns the kernel's length for images of a side in pixels, odd."""
    return side // 10 // 2 * 2 + 1
