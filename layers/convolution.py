"""Keras's convolution, computed by the project's operation."""

import keras
import tensorflow as tf

from dualcontrast.custom_ops import conv2d


@keras.saving.register_keras_serializable("dualcontrast")
class Conv2D(keras.layers.Conv2D):
    """A convolution that keeps height and width, of 1x1 or 3x3 taps.

    Its variables are those of Keras's layer; `custom_ops.conv2d` computes it, with derivatives of
    every order.

    >>> Conv2D(8, 3)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 16, 16, 8])

    Args:
      filters: output channels, at least 1.
      kernel_size: 1 or 3, for both sides.
      **kwargs: of Keras's layer; none of them may move the taps.
    """

    def __init__(self, filters: int, kernel_size: int | tuple[int, int], **kwargs):
        super().__init__(filters, kernel_size, **{"padding": "same", **kwargs})
        moved = (self.strides, self.dilation_rate, self.groups) != ((1, 1), (1, 1), 1)
        moved = moved or self.padding != "same" or self.data_format != "channels_last"
        if self.kernel_size not in ((1, 1), (3, 3)) or moved:
            raise ValueError(
                "Conv2D: expected 1 or 3 taps a side, padding 'same', channels last and no strides,"
                f" dilation or groups, got {self.kernel_size}, {self.padding!r},"
                f" {self.data_format}, {self.strides}, {self.dilation_rate} and {self.groups}"
            )

    def convolution_op(self, inputs, kernel):
        """Returns what Keras's layer does before the bias."""
        inputs = tf.convert_to_tensor(inputs)
        return conv2d.conv2d(inputs, tf.cast(tf.convert_to_tensor(kernel), inputs.dtype))
