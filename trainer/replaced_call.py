"""A layer that runs another function for a while, such as one that listens to it."""

import contextlib
from collections.abc import Callable, Iterator

import keras


@contextlib.contextmanager
def replaced_call(layer: keras.layers.Layer, call: Callable) -> Iterator[None]:
    """Makes a layer of a network run another function inside.

    Args:
      layer: built.
      call: in place of the layer's `call`.
    """
    layer.call = call
    try:
        yield
    finally:
        del layer.call
