"""A SavedModel of dualcontrast-export as a source of images to measure."""

import pathlib

import tensorflow as tf

from dualcontrast.trainer import errors, literal_path, seeds
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import generated
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.features import weights
from dualcontrast.trainer.trust import saved_model


def open_model(
    path: str, *, count: int, seed: int, truncation_psi: float, trusted: bool = False
) -> ImageSet:
    """Returns images of the model, with the noise that is fixed in it.

    Args:
      path: of the SavedModel's folder.
      count: how many images.
      seed: another one gives other images.
      truncation_psi: 1 is the whole variety.
      trusted: whether the model may touch files and run code.

    Raises:
      UserError: there is no such model, it is none of a generator of ours, or it does more than
        compute and is not trusted.
    """
    model, function = _load(path, trusted)
    latent_size = function.structured_input_signature[1]["z"].shape[1]
    shape = function.structured_outputs["images"].shape
    psi = tf.constant(truncation_psi, tf.float32)
    # Exports that are older have no bound.
    bound = int(getattr(model, "max_batch", count))

    def draw(numbers: tf.Tensor, model=model) -> tf.Tensor:  # holds on to the model's variables
        z = seeds.latents(numbers, latent_size)
        parts = [z[first : first + bound] for first in range(0, len(z), bound)]
        return tf.concat([function(z=z, truncation_psi=psi)["images"] for z in parts], axis=0)

    resolution, channels = shape[1], shape[3]
    protocol = {
        "kind": "saved_model",
        "weights": weights.digest_folder(pathlib.Path(path)),
        **generated.settings(count, seed, truncation_psi, random_noise=False),
        "resolution": resolution,
        "channels": channels,
    }

    def read():
        return generated.batches(draw, path, count, seed)

    return ImageSet(path, count, resolution, channels, protocol, read)


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
