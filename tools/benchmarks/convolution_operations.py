"""Single passes of convolutions, as TensorFlow runs them, for the benchmarks to time."""

from collections.abc import Callable

import tensorflow as tf

from dualcontrast.tools.benchmarks import convolutions


def operation(call: convolutions.Call, dtype: tf.DType) -> Callable[[], None]:
    """Returns a function that runs the call."""
    shape = call.convolution
    strides = [1, shape.stride, shape.stride, 1]
    padding = "SAME" if shape.stride == 1 else "VALID"
    x = tf.zeros([call.batch, shape.side, shape.side, shape.channels], dtype)
    kernel = tf.zeros([shape.taps, shape.taps, shape.channels, shape.filters], dtype)
    y = tf.zeros([call.batch, shape.out_side, shape.out_side, shape.filters], dtype)
    how = {"strides": strides, "padding": padding}
    if call.kind is convolutions.FORWARD:
        return lambda: tf.raw_ops.Conv2D(input=x, filter=kernel, **how)
    if call.kind is convolutions.INPUT_GRADIENT:
        return lambda: tf.raw_ops.Conv2DBackpropInput(
            input_sizes=x.shape, filter=kernel, out_backprop=y, **how
        )
    return lambda: tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=kernel.shape, out_backprop=y, **how
    )
