"""SAGAN's normalisations, with its constants."""

import keras

from dualcontrast.layers.batch_normalisation import BatchNormalization
from dualcontrast.layers.convolution import Conv2D
from dualcontrast.layers.spectral_normalisation import SpectralNormalization


def normalised(layer: keras.layers.Layer, name: str, dtype) -> SpectralNormalization:
    """Returns a layer with spectral normalisation as in SAGAN's program."""
    return SpectralNormalization(layer, as_in_sagan=True, name=name, dtype=dtype)


def convolution(filters: int, side: int, name: str, dtype) -> SpectralNormalization:
    """Returns a convolution, Glorot's uniform distribution at the start as in all of SAGAN."""
    return normalised(Conv2D(filters, side), name, dtype)


def batch_normalisation(name: str, dtype, decay: float = 0.999, classes: int = 0):
    """Returns batch normalisation."""
    return BatchNormalization(decay, 1e-5, classes, name=name, dtype=dtype)
