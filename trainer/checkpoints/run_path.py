"""What a path given as a run is, told by the names of files, and so without TensorFlow."""

import pathlib

from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

CONFIG_NAME = "config.json"
METRICS_NAME = "metrics.jsonl"
_EXPORT = "saved_model.pb"


def check(path: pathlib.Path) -> None:
    """Checks that a path can be a run's folder, or a checkpoint of one.

    Raises:
      UserError: it is something else, or nothing.
    """
    if not path.is_dir():
        prefix_of(path)
    elif (path / _EXPORT).exists():
        raise UserError(
            f"{path} is an exported model: expected the run that it was exported from.\n"
            "dualcontrast-evaluate and dualcontrast-project take it as --model; its README.md says"
            " how to draw images with it."
        )
    elif not (path / CONFIG_NAME).exists():
        raise no_run(path)


def no_run(folder: pathlib.Path) -> UserError:
    """Returns the error about a folder without a configuration."""
    what, advice = f"it has no {CONFIG_NAME}", "or start one: dualcontrast-train --help"
    if (folder / manifest.FILE_NAME).exists():
        what, advice = "it is a dataset", "such as one that was trained on it"
    elif (folder.parent / CONFIG_NAME).exists():
        what, advice = "it is a folder of one", f"here {folder.parent}, or one checkpoint"
    return UserError(
        f"{folder} is no run: {what}.\nGive the --workdir of a training run, {advice}."
    )


def prefix_of(path: pathlib.Path) -> pathlib.Path:
    """Returns the prefix of the checkpoint that a path names, with or without `.index`.

    Raises:
      UserError: there is none.
    """
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    if not prefix.with_name(f"{prefix.name}.index").exists():
        raise UserError(
            f"there is no run and no checkpoint {path}.\n"
            "Expected a --workdir of dualcontrast-train, or WORKDIR/checkpoints/images-N."
        )
    return prefix
