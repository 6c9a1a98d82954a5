"""Convolutions of 3x3 and 1x1 taps: StyleGAN2's, with Winograd's algorithm where it is faster."""

import dataclasses

import tensorflow as tf

from dualcontrast.custom_ops import conv2d_forms, conv2d_ref, implementation
from dualcontrast.custom_ops.conv2d_forms import INPUT_GRADIENT, KERNEL_GRADIENT, OUTPUT, Pass


def conv2d(
    x: tf.Tensor, kernel: tf.Tensor, *, stride: int = 1, impl: str | None = None
) -> tf.Tensor:
    """Convolves images, as neural networks do: without flipping the kernel.

    With stride 1, zeros around the image keep its size; with stride 2 there are none. Derivatives
    of every order exist, and are convolutions and their gradients themselves.

    Args:
      x: [batch, height, width, channels], floating; all but the batch known while tracing.
      kernel: [taps, taps, channels, filters] of the type of `x`; 3 taps, or 1 with stride 1.
      stride: 1 or 2.
      impl: see `implementation`; "cuda" is TensorFlow's own convolution. None is the process's
        choice.

    Returns:
      [batch, height, width, filters], or [batch, (height - 1) // 2, (width - 1) // 2, filters] with
      stride 2.

    Raises:
      InvalidArgumentError: an argument is out of its range or has another shape.
    """
    x, kernel = tf.convert_to_tensor(x), tf.convert_to_tensor(kernel)
    _check("channels", 2, x, kernel)
    taps = kernel.shape[0]
    if stride not in (1, 2) or (stride == 2 and taps != 3):
        _wrong(f"stride must be 1, or 2 with 3 taps, got {stride} with {taps} taps")
    if stride == 2 and min(x.shape[1:3]) < 3:
        _wrong(f"x must have sides of at least 3 with stride 2, got {x.shape}")
    if not conv2d_forms.may_be_compiled(x.dtype, impl):
        return conv2d_ref.conv2d(x, kernel, stride)
    return _output(x, kernel, Call(x.shape[1], x.shape[2], taps, stride, impl), order=0)


def conv2d_transpose(x: tf.Tensor, kernel: tf.Tensor, *, impl: str | None = None) -> tf.Tensor:
    """Returns the transpose of a 3x3 convolution of stride 2: its gradient by the input.

    Args:
      x: [batch, height, width, channels], floating; all but the batch known while tracing.
      kernel: [3, 3, filters, channels] of the type of `x`, as of the convolution from `filters`
        to `channels` that is transposed.
      impl: as of `conv2d`.

    Returns:
      [batch, 2 * height + 1, 2 * width + 1, filters].

    Raises:
      InvalidArgumentError: an argument is out of its range or has another shape.
    """
    x, kernel = tf.convert_to_tensor(x), tf.convert_to_tensor(kernel)
    _check("filters, channels", 3, x, kernel)
    if kernel.shape[0] != 3:
        _wrong(f"kernel must have 3 taps a side to be transposed, got {kernel.shape}")
    if not conv2d_forms.may_be_compiled(x.dtype, impl):
        return conv2d_ref.conv2d_transpose(x, kernel)
    height, width = (2 * side + 1 for side in x.shape[1:3])
    return _input_gradient(kernel, x, Call(height, width, 3, 2, impl), order=0)


@dataclasses.dataclass(frozen=True)
class Call:
    """What all passes of one convolution share.

    Attributes:
      height, width: of the input, which with stride 2 may be one longer than its output tells.
      taps, stride: of the kernel.
      impl: as asked.
    """

    height: int
    width: int
    taps: int
    stride: int
    impl: str | None


def _check(names: str, axis: int, x: tf.Tensor, kernel: tf.Tensor) -> None:
    if x.shape.rank != 4 or None in x.shape[1:]:
        _wrong(
            "x must be [batch, height, width, channels] with all but the batch known while "
            f"tracing, got {x.shape}"
        )
    if not x.dtype.is_floating or kernel.dtype != x.dtype:
        _wrong(
            f"x and kernel must have one floating type, got {x.dtype.name} and {kernel.dtype.name}"
        )
    taps = kernel.shape[0] if kernel.shape.rank == 4 else None
    if taps not in (1, 3) or kernel.shape[1] != taps or kernel.shape[axis] != x.shape[3]:
        _wrong(
            f"kernel must be [taps, taps, {names if axis == 3 else names + ', filters'}] with 1 or "
            f"3 taps and the {x.shape[3]} channels of x, got {kernel.shape}"
        )


def _wrong(what: str) -> None:
    raise tf.errors.InvalidArgumentError(None, None, f"conv2d: {what}")


# Each pass is the derivative of the sum of y * convolution(x, kernel) by one of the three. `order`
# counts how often it was derived: 0 for what the caller asked for.


def _output(x: tf.Tensor, kernel: tf.Tensor, call: Call, order: int) -> tf.Tensor:
    @tf.custom_gradient
    def output(x, kernel):
        def gradient(g):
            return (
                _input_gradient(kernel, g, call, order + 1),
                _kernel_gradient(x, g, call, order + 1),
            )

        return _run(OUTPUT, x, kernel, call, order), gradient

    return output(x, kernel)


def _input_gradient(kernel: tf.Tensor, g: tf.Tensor, call: Call, order: int) -> tf.Tensor:
    @tf.custom_gradient
    def input_gradient(kernel, g):
        def gradient(x):
            return (
                _kernel_gradient(x, g, call, order + 1),
                _output(x, kernel, call, order + 1),
            )

        return _run(INPUT_GRADIENT, kernel, g, call, order), gradient

    return input_gradient(kernel, g)


def _kernel_gradient(x: tf.Tensor, g: tf.Tensor, call: Call, order: int) -> tf.Tensor:
    @tf.custom_gradient
    def kernel_gradient(x, g):
        def gradient(kernel):
            return (
                _input_gradient(kernel, g, call, order + 1),
                _output(x, kernel, call, order + 1),
            )

        return _run(KERNEL_GRADIENT, x, g, call, order), gradient

    return kernel_gradient(x, g)


def _run(kind: Pass, first: tf.Tensor, second: tf.Tensor, call: Call, order: int) -> tf.Tensor:
    kernel = {OUTPUT: second, INPUT_GRADIENT: first}.get(kind)
    channels = first.shape[3] if kernel is None else kernel.shape[2]
    filters = second.shape[3] if kernel is None else kernel.shape[3]
    image = second if kind is INPUT_GRADIENT else first
    shape = conv2d_forms.Shape(
        image.shape[0], call.height, call.width, channels, filters, call.taps, call.stride
    )
    form = conv2d_forms.choose(kind, shape, order, call.impl)
    with implementation.device("cpu" if form != conv2d_forms.TENSORFLOW else "auto"):
        return conv2d_forms.run(form, kind, first, second, shape)
