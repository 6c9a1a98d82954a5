"""The block of the residual discriminator, which may halve the resolution."""

import keras
import tensorflow as tf

from dualcontrast.layers import convolution
from dualcontrast.layers.sngan import up_block
from dualcontrast.layers.spectral_normalisation import SpectralNormalization


@keras.saving.register_keras_serializable("dualcontrast")
class DownBlock(keras.layers.Layer):
    """Two convolutions and a shortcut, all spectrally normalised; then the mean of 2x2 pixels.

    Miyato et al. 2018, figure 10. Between the convolutions there are as many channels as in the
    input, in the first block of a network as in the output.

    >>> DownBlock(8)(tf.zeros([2, 16, 16, 4])).shape
    TensorShape([2, 8, 8, 8])

    Args:
      filters: output channels, at least 1.
      downsample: halve height and width.
      first: the input is an image, which is not activated.
    """

    def __init__(self, filters: int, downsample: bool = True, first: bool = False, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"DownBlock: filters must be >= 1, got {filters}")
        self.filters = filters
        self.downsample = downsample
        self.first = first

    def build(self, input_shape):
        channels = int(input_shape[-1])
        hidden = self._hidden(channels)
        self.convs = [
            self._residual(size, f"conv{k}") for k, size in enumerate((hidden, self.filters))
        ]
        self.convs[0].build(input_shape)
        self.convs[1].build((*input_shape[:-1], hidden))
        self.shortcut = None
        if self.downsample or self.filters != channels:
            self.shortcut = self._shortcut("shortcut")
            self.shortcut.build(input_shape)

    def _hidden(self, channels: int) -> int:
        """Returns the channels between the convolutions, for an input of `channels`."""
        return self.filters if self.first else channels

    def _residual(self, filters: int, name: str) -> SpectralNormalization:
        """Returns a 3x3 convolution of the residual."""
        layer = convolution.Conv2D(filters, 3, kernel_initializer=up_block.residual_initializer())
        return SpectralNormalization(layer, name=name, dtype=self.dtype_policy)

    def _shortcut(self, name: str) -> SpectralNormalization:
        """Returns the 1x1 convolution of the shortcut."""
        layer = convolution.Conv2D(self.filters, 1)
        return SpectralNormalization(layer, name=name, dtype=self.dtype_policy)

    def call(self, x, iterations: int = 1):
        """Returns [batch, height, width, filters], half as high and wide if it downsamples.

        Args:
          x: [batch, height, width, channels].
          iterations: see `SpectralNormalization`.
        """
        residual = x if self.first else tf.nn.relu(x)
        residual = tf.nn.relu(self.convs[0](residual, iterations=iterations))
        residual = self.convs[1](residual, iterations=iterations)
        if self.downsample:
            # The mean of pixels before a 1x1 convolution is the one after it, for less work.
            residual, x = (tf.nn.avg_pool2d(maps, 2, 2, "VALID") for maps in (residual, x))
        if self.shortcut is not None:
            x = self.shortcut(x, iterations=iterations)
        return residual + x

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        factor = 2 if self.downsample else 1
        return (batch, height // factor, width // factor, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "downsample": self.downsample,
            "first": self.first,
        }
