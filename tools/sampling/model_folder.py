"""The folder that dualcontrast-export writes."""

import os
import pathlib
import shutil

import tensorflow as tf

from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.tools.sampling import model_card
from dualcontrast.trainer import files, literal_path, serving_module
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError

WEIGHTS_NAME = "generator.weights.h5"


def write(
    generator: generators.Generator,
    config: schema.Config,
    images_seen: int,
    folder: pathlib.Path,
    max_batch: int,
) -> None:
    """Makes `folder` with everything in it, or nothing.

    Args:
      generator: in float32.
      config: of the run.
      images_seen: by the generator.
      folder: must not exist.
      max_batch: images of one call of the model, at most.

    Raises:
      UserError: `folder` cannot be written.
    """
    # Beside the folder, where a rename is atomic.
    partial = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        _write(generator, config, images_seen, partial, max_batch)
        partial.rename(folder)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"--output={folder} cannot be written: {_reason(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(
    generator: generators.Generator,
    config: schema.Config,
    images_seen: int,
    folder: pathlib.Path,
    max_batch: int,
) -> None:
    module = serving_module.Release(generator, max_batch)
    with literal_path.folder(folder) as place:
        tf.saved_model.save(module, place, signatures=module.signatures())
    generator.save_weights(folder / WEIGHTS_NAME)
    files.write(folder / checkpoint.CONFIG_NAME, serialisation.to_json(config) + "\n")
    files.write(folder / "README.md", model_card.model_card(config, images_seen, max_batch))


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0]
