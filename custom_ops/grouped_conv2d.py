"""Convolutions of channels in groups, with derivatives of every order on every device."""

import tensorflow as tf

from dualcontrast.custom_ops import conv2d

# Groups are put together until a convolution has so many channels: fewer of them, of which
# Winograd's algorithm makes more, against products with zeros.
_TOGETHER = 32


def grouped_conv2d(x: tf.Tensor, kernel: tf.Tensor, *, impl: str | None = None) -> tf.Tensor:
    """Convolves every group of channels with kernels of its own; zeros around keep the size.

    Group g of G has channels g * C / G to (g + 1) * C / G - 1, and likewise of the filters. On CPUs
    TensorFlow has no gradient of such a convolution (what oneDNN brings is of some types, on some
    processors), so that a few groups at a time are a convolution of their own, with zeros in the
    kernel between channels and filters of different groups.

    Args:
      x: [batch, height, width, channels], floating; all but the batch known while tracing.
      kernel: [taps, taps, channels / groups, filters] of the type of `x`, 1 or 3 taps.
      impl: as of `conv2d`.

    Returns:
      [batch, height, width, filters].

    Raises:
      InvalidArgumentError: groups of this size do not make up the channels, or the filters.
    """
    x, kernel = tf.convert_to_tensor(x), tf.convert_to_tensor(kernel)
    groups = _groups(x.shape[-1], *kernel.shape[2:])
    if groups == 1:
        return conv2d.conv2d(x, kernel, impl=impl)
    if tf.config.list_physical_devices("GPU") and impl != "cpu":
        return tf.nn.conv2d(x, kernel, 1, "SAME")
    together = max(n for n in range(1, groups + 1) if _fits(n, groups, kernel.shape[2]))
    parts = groups // together
    kernels = tf.split(_with_zeros(kernel, groups, together), parts, axis=-1)
    inputs = tf.split(x, parts, axis=-1)
    found = [conv2d.conv2d(one, its, impl=impl) for one, its in zip(inputs, kernels)]
    return tf.concat(found, axis=-1)


def _groups(channels: int, size: int, filters: int) -> int:
    groups = channels // size
    if not groups or channels % size or filters % groups:
        raise tf.errors.InvalidArgumentError(
            None,
            None,
            f"grouped_conv2d: groups of {size} channels must divide {channels} channels, and as"
            f" many groups {filters} filters",
        )
    return groups


def _fits(together: int, groups: int, size: int) -> bool:
    return groups % together == 0 and (together == 1 or together * size <= _TOGETHER)


def _with_zeros(kernel: tf.Tensor, groups: int, together: int) -> tf.Tensor:
    """Returns kernels of `together` groups each, [taps, taps, together * size, filters]."""
    taps, _, size, filters = kernel.shape
    parted = [taps, taps, 1, size, groups // together, together, filters // groups]
    same_group = tf.eye(together, dtype=kernel.dtype)[:, None, None, :, None]
    return tf.reshape(
        tf.reshape(kernel, parted) * same_group, [taps, taps, together * size, filters]
    )
