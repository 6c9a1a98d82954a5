"""Tensors and variables by formula, as in the golden values."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

GOLDEN = json.loads(pathlib.Path(__file__).with_name("golden.json").read_text())


@pytest.fixture(scope="session")
def golden() -> dict:
    """The golden values."""
    return GOLDEN


@pytest.fixture(scope="session")
def fill():
    """The function that makes the tensors of the golden values."""

    def make(shape, a, b, scale=1.0) -> tf.Tensor:
        return tf.constant((scale * np.sin(a + b * np.arange(np.prod(shape)))).reshape(shape))

    return make


@pytest.fixture(scope="session")
def set_san(fill):
    """Gives a SAN layer the golden values' weights, which know no equalised learning rate."""

    def pointwise(layer, kernel, bias, gain=1.0):
        inputs, outputs = layer.kernel.shape[2:]
        scale = layer.scale * gain
        layer.kernel.assign(fill((1, 1, inputs, outputs), *kernel) / scale)
        layer.bias.assign(fill((outputs,), *bias) / (layer.activation.gain * gain))

    def assign(layer) -> None:
        pointwise(layer.to_keys, (0.11, 1.3, 0.5), (0.2, 0.9, 0.1))
        pointwise(layer.to_queries, (0.41, 1.7, 0.5), (0.3, 0.8, 0.1))
        pointwise(layer.to_values, (0.71, 2.1, 0.5), (0.4, 0.7, 0.1))
        pointwise(layer.to_weights, (0.23, 1.9, 0.3), (0.6, 0.5, 0.1), 1 / layer.patch_size)
        rows, hidden = layer.hidden_kernel.shape
        scale = 2**0.5 / rows**0.5
        layer.hidden_kernel.assign(fill((rows, hidden), 0.17, 0.77, 0.3) / scale)
        layer.hidden_bias.assign(fill((hidden,), 0.5, 0.6, 0.1) / 2**0.5)

    return assign
