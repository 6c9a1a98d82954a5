"""What leads from a resolution of R3GAN's discriminator to the next."""

import keras

from dualcontrast.custom_ops import upfirdn2d
from dualcontrast.layers.r3gan import up_transition


@keras.saving.register_keras_serializable("dualcontrast", "R3GANDownTransition")
class DownTransition(keras.layers.Layer):
    """Bilinear halving, then a 1x1 convolution where the width changes (Huang et al. 2024).

    >>> DownTransition(8)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"DownTransition: filters must be >= 1, got {filters}")
        self.filters = filters
        self.lowpass = upfirdn2d.lowpass()

    def build(self, input_shape):
        self.conv = up_transition.of_width(self.filters, input_shape, self.dtype_policy)

    def call(self, x):
        """Returns [batch, height / 2, width / 2, filters].

        Args:
          x: [batch, height, width, channels], height and width even.
        """
        x = upfirdn2d.downsample_2d(x, self.lowpass)
        return x if self.conv is None else self.conv(x)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height // 2, width // 2, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}
