"""What leads from a resolution of R3GAN's generator to the next."""

import keras

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers.r3gan import convolution


@keras.saving.register_keras_serializable("dualcontrast", "R3GANUpTransition")
class UpTransition(keras.layers.Layer):
    """A 1x1 convolution where the width changes, then bilinear doubling (Huang et al. 2024).

    >>> UpTransition(4)(tf.zeros([2, 8, 8, 8])).shape
    TensorShape([2, 16, 16, 4])

    Args:
      filters: output channels, at least 1.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"UpTransition: filters must be >= 1, got {filters}")
        self.filters = filters
        self.lowpass = upfirdn2d.lowpass()

    def build(self, input_shape):
        self.conv = of_width(self.filters, input_shape, self.dtype_policy)

    def call(self, x):
        """Returns [batch, 2 * height, 2 * width, filters].

        Args:
          x: [batch, height, width, channels].
        """
        x = x if self.conv is None else self.conv(x)
        return upfirdn2d.upsample_2d(x, self.lowpass)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, 2 * height, 2 * width, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


def of_width(filters: int, input_shape, dtype) -> convolution.Convolution | None:
    """Returns a built 1x1 convolution to a width; None where the input has it."""
    if filters == input_shape[-1]:
        return None
    conv = convolution.Convolution(filters, 1, name="conv", dtype=dtype)
    conv.build(input_shape)
    return conv
