"""Upsample, filter, downsample images: the resampling of StyleGAN2."""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from dualcontrast.custom_ops import implementation, upfirdn2d_ref
from dualcontrast.custom_ops.resampling import Resampling

# The only low-pass filter of StyleGAN2 (Karras et al. 2020): binomial, no response at Nyquist.
BINOMIAL = (1.0, 3.0, 3.0, 1.0)


def lowpass(taps: Sequence[float] = BINOMIAL) -> np.ndarray:
    """Returns `taps` scaled to sum to 1: one axis of a separable filter.

    Returns:
      float32 [taps].
    """
    scaled = np.asarray(taps, np.float64)
    return (scaled / scaled.sum()).astype(np.float32)


def upfirdn2d(
    x: tf.Tensor,
    kernel: np.ndarray | tuple[np.ndarray, np.ndarray],
    *,
    up: int | tuple[int, int] = 1,
    down: int | tuple[int, int] = 1,
    padding: tuple[int, int] | tuple[tuple[int, int], tuple[int, int]] = (0, 0),
    gain: float = 1.0,
    flip: bool = False,
    impl: str | None = None,
) -> tf.Tensor:
    """Upsamples, pads, convolves and downsamples every channel of `x` on its own.

    1. Put `up - 1` zeros after every pixel, along height and width.
    2. Pad with `padding` zeros, or crop where it is negative.
    3. Convolve with `kernel * gain`: a true convolution, the kernel is flipped against correlation.
    4. Keep every `down`-th pixel, from the first.

    One axis is what `scipy.signal.upfirdn` computes, cropped. Derivatives by `x` of every order
    exist, and are resamplings themselves; the kernel is a constant.

    Args:
      x: [batch, height, width, channels], floating; height and width are known while tracing.
      kernel: [taps] for both axes, a pair of such (height, width), or [taps_y, taps_x] where it is
        not separable; 1 to 32 taps a side. Used in float32.
      up: the upsampling factor, 1 to 16; one for both axes, or (height, width).
      down: the downsampling factor, likewise.
      padding: zeros (before, after) both axes once upsampled, or ((top, bottom), (left, right)).
        A negative number crops. Up to 1048576.
      gain: a factor on the kernel.
      flip: flip the kernel, that is, correlate.
      impl: see `implementation`; None is the process's choice.

    Returns:
      [batch, out_height, out_width, channels] of the type of `x`, where
      out = (in * up + before + after - taps) // down + 1.

    Raises:
      InvalidArgumentError: an argument is out of its range, or less than `taps` pixels are left.
    """
    resampling = Resampling.of(kernel, up, down, padding, gain, flip)
    x = tf.convert_to_tensor(x)
    resampling.check(x.shape)
    if not implementation.derivatives_are_own():
        return upfirdn2d_ref.resample(x, resampling)
    return _differentiable(x, resampling, impl)


def upsample_2d(x: tf.Tensor, kernel: np.ndarray, impl: str | None = None) -> tf.Tensor:
    """Doubles height and width; bilinear with half-pixel centres for the binomial filter.

    Args:
      x: [batch, height, width, channels].
      kernel: [taps], summing to 1.
      impl: see `implementation`.

    Returns:
      [batch, 2 * height, 2 * width, channels].
    """
    slack = len(kernel) - 2
    # Factor 4 makes up for the three zeros beside every pixel.
    around = ((slack + 1) // 2 + 1, slack // 2)
    return upfirdn2d(x, kernel, up=2, padding=around, gain=4.0, impl=impl)


def downsample_2d(x: tf.Tensor, kernel: np.ndarray, impl: str | None = None) -> tf.Tensor:
    """Low-pass filters and halves height and width.

    Args:
      x: [batch, height, width, channels], height and width even.
      kernel: [taps], summing to 1.
      impl: see `implementation`.

    Returns:
      [batch, height / 2, width / 2, channels].
    """
    slack = len(kernel) - 2
    return upfirdn2d(x, kernel, down=2, padding=((slack + 1) // 2, slack // 2), impl=impl)


def filter_2d(x: tf.Tensor, kernel: np.ndarray, impl: str | None = None) -> tf.Tensor:
    """Low-pass filters and keeps height and width.

    Args:
      x: [batch, height, width, channels].
      kernel: [taps], summing to 1.
      impl: see `implementation`.

    Returns:
      [batch, height, width, channels].
    """
    slack = len(kernel) - 1
    return upfirdn2d(x, kernel, padding=((slack + 1) // 2, slack // 2), impl=impl)


def _differentiable(x: tf.Tensor, resampling: Resampling, impl: str | None) -> tf.Tensor:
    adjoint = functools.partial(_differentiable, resampling=resampling.adjoint(x.shape), impl=impl)

    @tf.custom_gradient
    def resample(x):
        return _run(x, resampling, impl), adjoint

    return resample(x)


def _run(x: tf.Tensor, resampling: Resampling, impl: str | None) -> tf.Tensor:
    library = implementation.compiled("upfirdn2d", x.dtype, impl)
    if library is None:
        return upfirdn2d_ref.resample(x, resampling)
    with implementation.device(impl):
        return library.ops.dual_contrast_upfirdn2d(
            x=x,
            filter=np.concatenate([np.ravel(part) for part in resampling.kernel]).tolist(),
            filter_shape=resampling.taps,
            separable=len(resampling.kernel) == 2,
            up=resampling.up,
            down=resampling.down,
            padding=[*resampling.padding[0], *resampling.padding[1]],
        )
