"""The folder that dualcontrast-export writes."""

import os
import pathlib
import shutil
from collections.abc import Sequence

import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.tools.sampling import model_card
from dualcontrast.trainer import errors, files, literal_path, serving_module
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError

WEIGHTS_NAME = "generator.weights.h5"
_VARIABLES = "variables/variables"
_CLASSES = "classes/.ATTRIBUTES/VARIABLE_VALUE"


def write(
    generator: networks.Generator,
    config: schema.Config,
    images_seen: int,
    folder: pathlib.Path,
    max_batch: int,
    class_names: Sequence[str] = (),
) -> None:
    """Makes `folder` with everything in it, or nothing.

    Args:
      generator: in float32.
      config: of the run.
      images_seen: by the generator.
      folder: must not exist.
      max_batch: images of one call of the model, at most.
      class_names: of the generator's classes, by number.

    Raises:
      UserError: `folder` cannot be written.
    """
    # Beside the folder, where a rename is atomic.
    partial = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        module = serving_module.Release(generator, max_batch, class_names)
        with literal_path.folder(partial) as place:
            tf.saved_model.save(module, place, signatures=module.signatures())
        generator.save_weights(partial / WEIGHTS_NAME)
        files.write(partial / checkpoint.CONFIG_NAME, serialisation.to_json(config) + "\n")
        card = model_card.model_card(generator, config, images_seen, max_batch, class_names)
        files.write(partial / "README.md", card)
        partial.rename(folder)
    except (OSError, files.FileError, tf.errors.OpError) as error:
        # A file of ours names the hidden folder, and says what the disk said as its cause.
        refusal = error.__cause__ or error
        told = getattr(refusal, "strerror", None) or str(refusal)
        reason = errors.first_line(OSError(told.replace(str(partial), str(folder))))
        raise UserError(f"--output={folder} cannot be written: {reason}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def find_weights(folder: pathlib.Path) -> pathlib.Path:
    """Returns the path of the weights for Keras in an export.

    Raises:
      UserError: the folder is no export.
    """
    path = folder / WEIGHTS_NAME
    if not path.is_file():
        raise UserError(
            f"--model={folder} is no export: it has no {WEIGHTS_NAME}.\n"
            "Expected a folder of dualcontrast-export"
        )
    return path


def read_class_names(folder: pathlib.Path) -> list[str]:
    """Returns the names of an export's classes, by number; none without labels.

    They are read as a variable of its SavedModel, of which nothing is run.

    Raises:
      UserError: the folder is no export, or it is damaged.
    """
    find_weights(folder)
    if checkpoint.read_config(folder).data.classes is None:
        return []
    try:
        with literal_path.folder(folder) as place:
            found = tf.train.load_checkpoint(f"{place}/{_VARIABLES}").get_tensor(_CLASSES)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"--model={folder} is damaged: the names of its classes cannot be read.\n"
            "Export the run again: dualcontrast-export"
        ) from error
    return [name.decode("utf-8", "surrogateescape") for name in found]
