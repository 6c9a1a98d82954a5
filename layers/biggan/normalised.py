"""BigGAN's layers with spectral normalisation: orthogonal at the start, biases 0."""

import keras

from dualcontrast.layers.convolution import Conv2D
from dualcontrast.layers.spectral_normalisation import SpectralNormalization

ORTHOGONAL = "orthogonal"


def convolution(filters: int, side: int, name: str, dtype) -> SpectralNormalization:
    """Returns a convolution that keeps height and width."""
    layer = Conv2D(filters, side, kernel_initializer=ORTHOGONAL)
    return SpectralNormalization(layer, name=name, dtype=dtype)


def dense(units: int, name: str, dtype, use_bias: bool = True) -> SpectralNormalization:
    """Returns a dense layer."""
    layer = keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=ORTHOGONAL)
    return SpectralNormalization(layer, name=name, dtype=dtype)
