"""Upsample, filter, downsample images: the resampling of StyleGAN2 in plain TensorFlow."""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from dualcontrast.custom_ops import derivatives

# The only low-pass filter of StyleGAN2 (Karras et al. 2020): binomial, no response at Nyquist.
BINOMIAL = (1.0, 3.0, 3.0, 1.0)


def lowpass(taps: Sequence[float] = BINOMIAL) -> np.ndarray:
    """Returns the separable 2-D filter of `taps`, scaled to sum to 1.

    Returns:
      float32 [taps, taps].
    """
    outer = np.outer(taps, taps).astype(np.float64)
    return (outer / outer.sum()).astype(np.float32)


def upfirdn2d(
    x: tf.Tensor,
    kernel: np.ndarray,
    *,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int] = (0, 0),
    gain: float = 1.0,
) -> tf.Tensor:
    """Upsamples, pads, convolves and downsamples every channel of `x` on its own.

    1. Put `up - 1` zeros after every pixel, along height and width.
    2. Pad both axes with `padding` zeros (before, after).
    3. Convolve with `kernel * gain`: a true convolution, the kernel is flipped against correlation.
    4. Keep every `down`-th pixel, from the first.

    One axis is what `scipy.signal.upfirdn` computes, cropped. Derivatives of every order exist, and
    are resamplings themselves: TensorFlow's own gradient of a depthwise convolution takes twice as
    long as this on a CPU, and ten times as long in bfloat16.

    Args:
      x: [batch, height, width, channels], floating; only the batch may be unknown while tracing.
      kernel: [taps, taps], float32.
      up: the upsampling factor, at least 1.
      down: the downsampling factor, at least 1.
      padding: zeros before and after both axes once upsampled, at least 0.
      gain: a factor on the kernel.

    Returns:
      [batch, out_height, out_width, channels] of the type of `x`, where
      out = (in * up + before + after - taps) // down + 1.

    Raises:
      ValueError: when an argument is out of its range.
    """
    kernel = np.asarray(kernel, np.float32)
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"upfirdn2d: kernel must be [taps, taps], got {list(kernel.shape)}")
    if min(up, down) < 1 or min(padding) < 0:
        raise ValueError(
            f"upfirdn2d: up and down must be >= 1 and padding >= 0, got up={up}, down={down}, "
            f"padding={padding}"
        )
    resample = functools.partial(
        _resample, kernel=kernel * np.float32(gain), up=up, down=down, padding=padding
    )
    adjoint_padding = _adjoint_padding(x.shape[1:3], kernel.shape[0], up, down, padding)
    if adjoint_padding is None or not derivatives.are_own():
        return resample(x)

    def adjoint(dy):
        return upfirdn2d(
            dy, kernel[::-1, ::-1], up=down, down=up, padding=adjoint_padding, gain=gain
        )

    return tf.custom_gradient(lambda x: (resample(x), adjoint))(x)


def upsample_2d(x: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Doubles height and width; bilinear with half-pixel centres for the binomial filter.

    Args:
      x: [batch, height, width, channels].
      kernel: [taps, taps], summing to 1.

    Returns:
      [batch, 2 * height, 2 * width, channels].
    """
    slack = kernel.shape[0] - 2
    # Factor 4 makes up for the three zeros beside every pixel.
    return upfirdn2d(x, kernel, up=2, padding=((slack + 1) // 2 + 1, slack // 2), gain=4.0)


def downsample_2d(x: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Low-pass filters and halves height and width.

    Args:
      x: [batch, height, width, channels], height and width even.
      kernel: [taps, taps], summing to 1.

    Returns:
      [batch, height / 2, width / 2, channels].
    """
    slack = kernel.shape[0] - 2
    return upfirdn2d(x, kernel, down=2, padding=((slack + 1) // 2, slack // 2))


def filter_2d(x: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Low-pass filters and keeps height and width.

    Args:
      x: [batch, height, width, channels].
      kernel: [taps, taps], summing to 1.

    Returns:
      [batch, height, width, channels].
    """
    slack = kernel.shape[0] - 1
    return upfirdn2d(x, kernel, padding=((slack + 1) // 2, slack // 2))


def _resample(
    x: tf.Tensor, kernel: np.ndarray, up: int, down: int, padding: tuple[int, int]
) -> tf.Tensor:
    # tf.nn convolutions correlate: flipping the kernel makes them convolve.
    correlated = kernel[::-1, ::-1]
    doubles = up == 2 and down == 1 and sum(padding) == kernel.shape[0] - 1
    if doubles and x.shape[-1] <= 4:
        return _upsample_by_phases(x, correlated, padding)
    if up > 1:
        x = _insert_zeros(x, up)
    return _filter(x, correlated, down, padding)


def _adjoint_padding(
    sides: tuple[int, int], taps: int, up: int, down: int, padding: tuple[int, int]
) -> tuple[int, int] | None:
    """Returns the padding that makes the flipped kernel the adjoint; None: no padding does."""
    before = taps - 1 - padding[0]
    # Inserting zeros leaves some behind the last pixel, both on the way there and on the way back.
    slack = taps - 1 - padding[1] - (up - 1) - (down - 1)
    after = {slack + (side * up + sum(padding) - taps) % down for side in sides}
    if len(after) > 1 or min(before, *after) < 0:
        return None
    return before, after.pop()


def _filter(
    x: tf.Tensor, correlated: np.ndarray, stride: int, padding: tuple[int, int]
) -> tf.Tensor:
    channels = x.shape[-1]
    dtype = x.dtype
    # A strided depthwise convolution in bfloat16 is 12 times slower on a CPU than in float32.
    if stride > 1 and dtype == tf.bfloat16:
        x = tf.cast(x, tf.float32)
    depthwise = tf.constant(np.tile(correlated[:, :, None, None], (1, 1, channels, 1)), x.dtype)
    y = tf.nn.depthwise_conv2d(
        x, depthwise, [1, stride, stride, 1], [[0, 0], list(padding), list(padding), [0, 0]]
    )
    return tf.cast(y, dtype)


def _insert_zeros(x: tf.Tensor, up: int) -> tf.Tensor:
    height, width, channels = x.shape[1:]
    x = tf.reshape(x, [-1, height, 1, width, 1, channels])
    x = tf.pad(x, [[0, 0], [0, 0], [0, up - 1], [0, 0], [0, up - 1], [0, 0]])
    return tf.reshape(x, [-1, height * up, width * up, channels])


def _upsample_by_phases(
    x: tf.Tensor, correlated: np.ndarray, padding: tuple[int, int]
) -> tf.Tensor:
    """Upsampling by 2 of few channels as one small convolution that makes all four output phases.

    Output pixel 2i + phase meets only the taps that fall on a pixel, so no zero is ever multiplied.
    Inserting zeros first takes a seventh of the generator's time on a CPU.
    """
    channels, taps, before = x.shape[-1], correlated.shape[0], padding[0]
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
