"""A SavedModel of dualcontrast-export as a source of images to measure."""

import functools
import pathlib

import tensorflow as tf

from dualcontrast.trainer import errors, literal_path, seeds
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated
from dualcontrast.trainer.evaluation.generated import Source
from dualcontrast.trainer.features import weights
from dualcontrast.trainer.trust import saved_model


def open_model(path: str, *, seed: int, truncation_psi: float, trusted: bool = False) -> Source:
    """Returns the model to draw images from, with the noise that is fixed in it.

    Args:
      path: of the SavedModel's folder.
      seed: another one gives other images.
      truncation_psi: 1 is the whole variety.
      trusted: whether the model may touch files and run code.

    Raises:
      UserError: there is no such model, it is none of a generator of ours, it cannot truncate, or
        it does more than compute and is not trusted.
    """
    model, function = _load(path, trusted)
    inputs = function.structured_input_signature[1]
    shape = function.structured_outputs["images"].shape
    how: dict[str, tf.Tensor] = {}
    latent = _latent(path, model)
    if "truncation_psi" in inputs:
        how["truncation_psi"] = tf.constant(truncation_psi, tf.float32)
    elif truncation_psi != 1:
        raise generated.no_truncation(truncation_psi)

    @functools.partial(tf.function, autograph=False)
    def latents(numbers: tf.Tensor) -> tf.Tensor:
        return seeds.latents(numbers, inputs["z"].shape[1], latent)

    def draw(numbers: tf.Tensor, model=model, **labels: tf.Tensor) -> tf.Tensor:
        # Exports that are older have no bound. `model` holds on to its variables.
        bound = int(getattr(model, "max_batch", len(numbers)))
        batch = {"z": latents(numbers), **labels}
        parts = [
            function(**{name: x[first : first + bound] for name, x in batch.items()}, **how)
            for first in range(0, len(numbers), bound)
        ]
        return tf.concat([part["images"] for part in parts], axis=0)

    return Source(
        path,
        shape[1],
        shape[3],
        _classes(path, model) if "labels" in inputs else (),
        {"kind": "saved_model", "weights": weights.digest_folder(pathlib.Path(path))},
        seed,
        truncation_psi,
        False,
        draw,
    )


def _latent(path: str, model) -> str:
    """Returns how z is drawn; exports that are older do not say it, and it is normal."""
    kept = getattr(model, "latent", None)
    if not isinstance(kept, tf.Variable):
        return "normal"
    name = kept.numpy()
    if name not in (b"normal", b"uniform"):
        raise UserError(f"--model={path} draws z in a way that is not known here: {name!r}")
    return name.decode()


def _classes(path: str, model) -> tuple[str, ...]:
    """Returns the names of the classes whose labels the model takes."""
    names = getattr(model, "classes", None)
    if not isinstance(names, tf.Variable) or names.dtype != tf.string or not names.shape.rank:
        raise UserError(f"--model={path} takes labels and does not name its classes: export anew")
    return tuple(name.decode("utf-8", "surrogateescape") for name in names.numpy())


def _load(path: str, trusted: bool):
    if not (pathlib.Path(path) / saved_model.FILE_NAME).is_file():
        raise UserError(
            f"--model={path} is no SavedModel: expected a folder of dualcontrast-export"
        )
    if not trusted:
        saved_model.check(pathlib.Path(path), f"--model={path}")
    # Of gradients, which older exports lack and nobody takes here.
    tf.get_logger().setLevel("ERROR")
    try:
        with literal_path.folder(path) as place:
            model = tf.saved_model.load(place)
        function = model.signatures["latents"]
        known = "z" in function.structured_input_signature[1]
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"--model={path} cannot be loaded as a generator: {errors.first_line(error)}"
        ) from error
    if not known or None in function.structured_outputs["images"].shape[1:]:
        raise UserError(f"--model={path} is no generator of dualcontrast-export")
    return model, function
