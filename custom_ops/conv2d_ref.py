"""Convolutions in plain TensorFlow: whole ones, and each pass by itself."""

import tensorflow as tf


def conv2d(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Returns what `conv2d.conv2d` returns, with TensorFlow's own derivatives."""
    return tf.nn.conv2d(x, kernel, stride, _padding(stride))


def conv2d_transpose(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Returns what `conv2d.conv2d_transpose` returns, with TensorFlow's own derivatives."""
    batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    sides = [2 * side + 1 for side in x.shape[1:3]]
    return tf.nn.conv2d_transpose(x, kernel, [batch, *sides, kernel.shape[2]], 2, "VALID")


def output(x: tf.Tensor, kernel: tf.Tensor, shape) -> tf.Tensor:
    """Returns the output; `shape` is a `conv2d.Shape`."""
    return tf.raw_ops.Conv2D(input=x, filter=kernel, **_how(shape))


def input_gradient(kernel: tf.Tensor, g: tf.Tensor, shape) -> tf.Tensor:
    """Returns the gradient by the input for the output's gradient `g`."""
    sizes = [tf.shape(g)[0], shape.height, shape.width, kernel.shape[2]]
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=sizes, filter=kernel, out_backprop=g, **_how(shape)
    )


def kernel_gradient(x: tf.Tensor, g: tf.Tensor, shape) -> tf.Tensor:
    """Returns the gradient by the kernel for the output's gradient `g`."""
    sizes = [shape.taps, shape.taps, x.shape[3], g.shape[3]]
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=sizes, out_backprop=g, **_how(shape)
    )


def _padding(stride: int) -> str:
    return "SAME" if stride == 1 else "VALID"


def _how(shape) -> dict:
    return {"strides": [1, shape.stride, shape.stride, 1], "padding": _padding(shape.stride)}
