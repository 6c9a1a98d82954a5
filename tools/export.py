"""Exports a trained generator as a SavedModel, which TensorFlow alone can load and serve.

  dualcontrast-export --run=RUN --output=MODEL
  dualcontrast-export --run=RUN/checkpoints/images-200000 --output=models/faces/1

OUTPUT is a new folder. It also gets the configuration (config.json), the weights for Keras
(generator.weights.h5), and a README.md that says how to call the model.
"""

import os
import pathlib
import shutil

from dualcontrast.trainer import quiet_tensorflow  # isort: skip  # noqa: F401

import tensorflow as tf
from absl import flags

from dualcontrast.layers.stylegan2 import generator as generators
from dualcontrast.tools.sampling import model_card, run_flags
from dualcontrast.trainer import errors, files, serving_module
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(run_flags)

WEIGHTS_NAME = "generator.weights.h5"


def main(argv: list[str]) -> None:
    """Exports the generator that the flags name."""
    errors.no_arguments(argv)
    folder = pathlib.Path(run_flags.OUTPUT.value)
    check_free(folder)
    generator, config, images_seen = checkpoint.load_average(run_flags.RUN.value)
    # TensorFlow's notes name the temporary folder, which is gone when they are read.
    tf.get_logger().setLevel("WARNING")
    export(generator, config, images_seen, folder)
    print(f"{folder}: the generator after {images_seen:,} images; {folder / 'README.md'} says how")


def export(
    generator: generators.Generator,
    config: schema.Config,
    images_seen: int,
    folder: pathlib.Path,
) -> None:
    """Makes `folder` with everything in it, or nothing.

    Args:
      generator: in float32.
      config: of the run.
      images_seen: by the generator.
      folder: must not exist.

    Raises:
      UserError: `folder` exists or cannot be written.
    """
    check_free(folder)
    # Beside the folder, where a rename is atomic.
    partial = folder.absolute().with_name(f".{folder.absolute().name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        _write(generator, config, images_seen, partial)
        partial.rename(folder)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"--output={folder} cannot be written: {_reason(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_free(folder: pathlib.Path) -> None:
    """Checks that nothing would be overwritten.

    Raises:
      UserError: there is something.
    """
    if folder.exists() or folder.is_symlink():
        raise UserError(
            f"--output={folder} exists already, and an export overwrites nothing.\n"
            "Give a new folder, or delete that one first."
        )


def _write(
    generator: generators.Generator,
    config: schema.Config,
    images_seen: int,
    folder: pathlib.Path,
) -> None:
    module = serving_module.Release(generator)
    tf.saved_model.save(module, str(folder), signatures=module.signatures())
    generator.save_weights(folder / WEIGHTS_NAME)
    files.write(folder / checkpoint.CONFIG_NAME, serialisation.to_json(config) + "\n")
    files.write(folder / "README.md", model_card.model_card(config, images_seen))


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0]


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
