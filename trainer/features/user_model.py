"""Any network of the user's as an extractor: a Keras file or a SavedModel.

It gets float32 images [batch, height, width, 3] in [0, 255], resized where its input has a fixed
size, and returns features [batch, size], or a dictionary with "features" and perhaps "logits". What
else it needs (another range, a crop of its layers) belongs into the model.

A model is a program. Unless the user says that it is trusted, one that does more than compute is
refused before it is loaded.
"""

import pathlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dualcontrast.trainer import errors, files, literal_path
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import weights
from dualcontrast.trainer.features.extractor import Extractor
from dualcontrast.trainer.trust import keras_file, saved_model

_NAMED = ("embedded", "inception", "vgg16")

NOTE = "your own extractor: compare with values of the same one only"


def load(
    path: str,
    flag: str = "--extractor",
    *,
    trusted: bool = False,
    others: tuple[str, ...] = _NAMED,
) -> Extractor:
    """Returns the model at `path`, a .keras file or a SavedModel's folder, as an extractor.

    Args:
      path: of the model.
      flag: that named it.
      trusted: whether it may touch files and run code.
      others: what the flag takes besides, for the message.

    Raises:
      UserError: there is none, it is damaged, or it does more than compute and is not trusted.
    """
    place = pathlib.Path(path)
    if place.suffix == ".keras" and place.is_file():
        model, digest = _keras(place, flag, trusted), weights.digest(files.read_bytes(place))
        call, shape = model, model.input_shape
    elif (place / saved_model.FILE_NAME).is_file():
        call, shape = _saved_model(place, flag, trusted)
        digest = weights.digest_folder(place)
    else:
        raise UserError(
            f"{flag}={path} is no {flag[2:]}: expected {', '.join([*others, 'a .keras file'])}, or"
            " the folder of a SavedModel"
        )
    side = _side(shape, flag, path)
    how = "0 to 255" if side is None else f"bilinear to {side}, half-pixel centres; 0 to 255"
    return Extractor(place.name, digest, how, _compute(call, side, flag, path), NOTE)


def _keras(path: pathlib.Path, flag: str, trusted: bool) -> keras.Model:
    if not trusted:
        keras_file.check(path, f"{flag}={path}")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=not trusted)
    except Exception as error:  # Keras raises almost anything for files that it cannot read.
        raise UserError(f"{flag}={path} cannot be loaded: {errors.first_line(error)}") from error


def _saved_model(path: pathlib.Path, flag: str, trusted: bool) -> tuple[Callable, Any]:
    if not trusted:
        saved_model.check(path, f"{flag}={path}")
    try:
        with literal_path.folder(path) as place:
            loaded = tf.saved_model.load(place)
        function = loaded.signatures["serving_default"]
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        raise UserError(f"{flag}={path} cannot be loaded: {errors.first_line(error)}") from error
    inputs = function.structured_input_signature[1]
    if len(inputs) != 1:
        raise UserError(f"{flag}={path} takes {len(inputs)} inputs, expected one: images")
    ((name, spec),) = inputs.items()

    def call(images, loaded=loaded):  # holds on to the variables of the model
        return function(**{name: tf.cast(images, spec.dtype)})

    return call, tuple(spec.shape)


def _side(shape: Any, flag: str, path: str) -> int | None:
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] not in (3, None):
        raise UserError(f"{flag}={path} takes {shape}, expected images [batch, height, width, 3]")
    if shape[1] != shape[2]:
        raise UserError(f"{flag}={path} takes images of {shape[1]}x{shape[2]}, expected squares")
    return shape[1]


def _compute(call: Callable, side: int | None, flag: str, path: str):
    def compute(images):
        x = tf.cast(images, tf.float32)
        if side is not None:
            x = tf.image.resize(x, [side, side])
        found = call(x)
        if not isinstance(found, dict):
            return found, None
        if "features" not in found and len(found) == 1:
            return next(iter(found.values())), None
        if "features" not in found:
            raise UserError(f"{flag}={path} returns {sorted(found)}, expected 'features'")
        return found["features"], found.get("logits")

    return compute
