"""Layers that are handed down to where they are made."""

import keras


def of(layer: keras.layers.Layer | dict | None) -> dict | None:
    """Returns the serialised form of a layer; what is serialised already, or None, as it is."""
    if isinstance(layer, keras.layers.Layer):
        return keras.saving.serialize_keras_object(layer)
    return layer


def make(blueprint: dict, name: str, dtype) -> keras.layers.Layer:
    """Returns a new layer, which is neither built nor shares variables with another one.

    Args:
      blueprint: from `of`.
      name: of the new layer.
      dtype: its type policy.
    """
    layer = keras.saving.deserialize_keras_object(blueprint)
    return type(layer).from_config({**layer.get_config(), "name": name, "dtype": dtype})
