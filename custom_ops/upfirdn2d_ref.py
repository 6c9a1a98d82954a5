"""Resampling in plain TensorFlow: zeros in between, then a depthwise convolution."""

import numpy as np
import tensorflow as tf

from dualcontrast.custom_ops.resampling import Resampling


def resample(x: tf.Tensor, resampling: Resampling) -> tf.Tensor:
    """Returns `x` resampled, [batch, out_height, out_width, channels] of its type."""
    if 0 in x.shape:
        # Depthwise convolutions know neither no channels nor, by the right size, no samples.
        height, width = resampling.sides(x.shape)
        return tf.zeros([x.shape[0], height, width, x.shape[3]], x.dtype)
    (before, after), across = resampling.padding
    # tf.nn convolutions correlate: flipping the kernel makes them convolve.
    correlated = resampling.dense()[::-1, ::-1]
    doubles = (resampling.up, resampling.down) == ((2, 2), (1, 1)) and across == (before, after)
    if doubles and x.shape[-1] <= 4 and before + after == len(correlated) - 1:
        square = correlated.shape[0] == correlated.shape[1]
        if square and before >= 0 and after >= 0:
            return _upsample_by_phases(x, correlated, before)
    x = _insert_zeros(x, *resampling.up)
    x, padding = _crop(x, resampling.padding)
    return _filter(x, correlated, resampling.down, padding)


def _filter(x: tf.Tensor, correlated: np.ndarray, down, padding) -> tf.Tensor:
    channels, dtype = x.shape[-1], x.dtype
    # On a CPU a depthwise convolution in float16, or a strided one in bfloat16, is ten times slower
    # than in float32.
    if dtype == tf.float16 or (dtype == tf.bfloat16 and max(down) > 1):
        x = tf.cast(x, tf.float32)
    depthwise = tf.constant(np.tile(correlated[:, :, None, None], (1, 1, channels, 1)), x.dtype)
    # TensorFlow knows no stride that differs between the axes.
    stride = down[0] if down[0] == down[1] else 1
    y = tf.nn.depthwise_conv2d(
        x, depthwise, [1, stride, stride, 1], [[0, 0], *(list(pair) for pair in padding), [0, 0]]
    )
    # TensorFlow 2.21 fuses this convolution with a bias that follows, and aborts the process over
    # its explicit padding; it does not look through this operation, which costs nothing.
    y = tf.ensure_shape(y, y.shape)
    if stride == 1:
        y = y[:, :: down[0], :: down[1]]
    return tf.cast(y, dtype)


def _insert_zeros(x: tf.Tensor, up_y: int, up_x: int) -> tf.Tensor:
    if (up_y, up_x) == (1, 1):
        return x
    batch, (height, width, channels) = tf.shape(x)[0], x.shape[1:]
    x = tf.reshape(x, [batch, height, 1, width, 1, channels])
    x = tf.pad(x, [[0, 0], [0, 0], [0, up_y - 1], [0, 0], [0, up_x - 1], [0, 0]])
    return tf.reshape(x, [batch, height * up_y, width * up_x, channels])


def _crop(x: tf.Tensor, padding):
    """Returns `x` less what negative padding takes, and the padding that is left to add."""
    ends = [(max(0, -before), max(0, -after)) for before, after in padding]
    left = [(max(0, before), max(0, after)) for before, after in padding]
    if any(max(pair) for pair in ends):
        # What is cropped may be padding: pad first where a side is cropped beyond the image.
        x, left = tf.pad(x, [[0, 0], *left, [0, 0]]), [(0, 0), (0, 0)]
        (top, bottom), (start, end) = ends
        x = x[:, top : x.shape[1] - bottom, start : x.shape[2] - end]
    return x, left


def _upsample_by_phases(x: tf.Tensor, correlated: np.ndarray, before: int) -> tf.Tensor:
    """Upsampling by 2 of few channels as one small convolution that makes all four output phases.

    Output pixel 2i + phase meets only the taps that fall on a pixel, so no zero is ever multiplied.
    Inserting zeros first takes a seventh of the generator's time on a CPU.
    """
    channels, taps = x.shape[-1], correlated.shape[0]
    # Along one axis output 2i + phase reads the zero-inserted position 2i + phase - before + tap,
    # which is pixel i + shift where phase - before + tap = 2 shift.
    first, last = -(before // 2), (taps - before) // 2
    shift, phase, tap = np.ogrid[first : last + 1, :2, :taps]
    meets = (phase - before + tap == 2 * shift).astype(np.float32)
    phases = np.einsum("ypt,xqu,tu,cd->yxcpqd", meets, meets, correlated, np.eye(channels))
    phases = phases.reshape(*phases.shape[:3], 4 * channels)
    around = [-first, last]
    y = tf.nn.conv2d(
        x, tf.constant(phases, x.dtype), strides=1, padding=[[0, 0], around, around, [0, 0]]
    )
    return tf.nn.depth_to_space(y, 2)
