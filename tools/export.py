"""Exports a trained generator as a SavedModel, which TensorFlow alone can load and serve.

Or the networks of a run as a file of arrays, for other programs (--format=safetensors).

  dualcontrast-export --run=RUN --output=MODEL
  dualcontrast-export --run=RUN/checkpoints/images-200000 --output=models/faces/1

One call of the model gives at most 64 images, so that one request cannot take a whole server;
--max_batch chooses another bound:

  dualcontrast-export --run=RUN --output=MODEL --max_batch=8

OUTPUT is a new folder. It also gets the configuration (config.json), the weights for Keras
(generator.weights.h5), and a README.md that says how to call this very model: with a truncation
where the generator has a mapping, with labels where it has classes.

A file of arrays has StyleGAN2's discriminator, generator and averaged generator with the names and
the layout of stylegan2-ada-pytorch's state_dict (docs/import.md); dualcontrast-import reads it:

  dualcontrast-export --run=RUN --output=faces.safetensors --format=safetensors
"""

import pathlib

from absl import flags

from dualcontrast.tools.sampling import run_flags, variety_flags
from dualcontrast.trainer import errors, literal_path, tensorflow_start
from dualcontrast.trainer.errors import UserError

flags.adopt_module_key_flags(run_flags)
_FORMAT = flags.DEFINE_enum(
    "format",
    "savedmodel",
    ["savedmodel", "safetensors"],
    "A folder that makes images, or a file of StyleGAN2's arrays.",
)
flags.declare_key_flag("standing_batches")
_MAX_BATCH = flags.DEFINE_integer(
    "max_batch",
    64,
    "Images that one call of the model may ask for, at most.",
    lower_bound=1,
    upper_bound=1_000_000,
)


def main(argv: list[str]) -> None:
    """Exports the generator that the flags name."""
    errors.no_arguments(argv)
    folder = pathlib.Path(run_flags.OUTPUT.value)
    check_free(folder)
    run_flags.check_run()
    tensorflow_start.start()
    if _FORMAT.value == "safetensors":
        _write_arrays(folder)
    else:
        _write_model(folder)


def _write_arrays(path: pathlib.Path) -> None:
    from dualcontrast.tools.interchange import exported_run

    images_seen = exported_run.write(run_flags.RUN.value, path)
    print(f"{path}: the networks after {images_seen:,} images; docs/import.md has the names")


def _write_model(folder: pathlib.Path) -> None:
    import tensorflow as tf

    from dualcontrast.tools.sampling import model_folder
    from dualcontrast.trainer import standing_moments
    from dualcontrast.trainer.checkpoints import checkpoint

    names = [category.name for category in checkpoint.read_classes(run_flags.RUN.value)]
    generator, config, images_seen = checkpoint.load_average(run_flags.RUN.value)
    standing_moments.take(generator, config, variety_flags.STANDING.value)
    # TensorFlow's notes name the temporary folder, which is gone when they are read.
    tf.get_logger().setLevel("WARNING")
    model_folder.write(generator, config, images_seen, folder, _MAX_BATCH.value, names)
    print(f"{folder}: the generator after {images_seen:,} images; {folder / 'README.md'} says how")
    if not literal_path.is_loadable(folder.absolute()):
        print(
            "The commands of this project can load it there. TensorFlow itself cannot, for the"
            " path holds one of [ ] * ? \\ or is no UTF-8: move or rename it before you serve it."
        )


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


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
