"""The run that networks of a file become: a folder as training leaves one, at 0 images."""

import hashlib
import os
import pathlib
import shutil
from typing import Any

import tensorflow as tf

from dualcontrast.tools.interchange import layout, published
from dualcontrast.trainer import errors, files, state
from dualcontrast.trainer.checkpoints import checkpoint, origin
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.errors import UserError


def write(
    found: published.Published, source: pathlib.Path, config: schema.Config, workdir: pathlib.Path
) -> None:
    """Makes `workdir` with a run of these networks, or nothing.

    Args:
      found: the networks.
      source: their file.
      config: resolved, with the networks' settings.
      workdir: missing, or an empty folder.

    Raises:
      UserError: an array does not fit its variable, or the folder cannot be written.
    """
    run = state.State(config)
    assign(run, found)
    # Beside the folder, where a rename is atomic.
    partial = workdir.absolute().with_name(f".{workdir.absolute().name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        if config.data.labels:
            files.write_object(partial / checkpoint.DATA_NAME, _data(found, config.data.classes))
        files.write(partial / checkpoint.CONFIG_NAME, serialisation.to_json(config) + "\n")
        files.write_object(partial / origin.FILE_NAME, _origin(source))
        checkpoint.Checkpoints(partial, run, config.training.keep_checkpoints).save()
        partial.rename(workdir)
    except (OSError, files.FileError, tf.errors.OpError) as error:
        refusal = error.__cause__ or error
        told = getattr(refusal, "strerror", None) or str(refusal)
        reason = errors.first_line(OSError(told.replace(str(partial), str(workdir))))
        raise UserError(f"--workdir={workdir} cannot be written: {reason}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def assign(run: state.State, found: published.Published) -> None:
    """Gives the networks of a state the values of a file; optimizers begin anew.

    Raises:
      UserError: an array is missing, too much, or does not fit.
    """
    for ours, theirs in layout.NETWORKS.items():
        variables = state.variables_of(getattr(run, ours))
        shapes = {path: tuple(variable.shape) for path, variable in variables.items()}
        values = layout.values_for(theirs, shapes, found.arrays[theirs])
        for path, variable in variables.items():
            variable.assign(values[path])


def _data(found: published.Published, classes: int) -> dict[str, Any]:
    """Returns what data.json says of a run that has seen no images: the classes alone."""
    names = found.classes or [str(number) for number in range(classes)]
    return {
        "count": 0,
        "sha256": [],
        "classes": [{"name": name, "count": 0} for name in names],
    }


def _origin(source: pathlib.Path) -> dict[str, Any]:
    return {
        "checkpoint": str(source.resolve()),
        "sha256": hashlib.sha256(files.read_bytes(source)).hexdigest(),
        "images_seen": 0,
        "full": False,
        "average": True,
        "changes": [],
    }
