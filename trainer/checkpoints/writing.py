"""A checkpoint comes to the disk whole: written apart, synced, and only then named.

FOLDER/images-N.saving/     where TensorFlow writes; what a killed process leaves is swept
FOLDER/images-N.data-*      renamed into their place first
FOLDER/images-N.index       last; without it there is no checkpoint
"""

import errno
import os
import pathlib
import re

import tensorflow as tf

from dualcontrast.trainer import files, literal_path, locations
from dualcontrast.trainer.checkpoints import discovery

_SAVING = ".saving"
# TensorFlow's own, from before checkpoints were written apart.
_TRACES = re.compile(r"(images-\d+)(\.saving|_temp.*)")
_LEFTOVERS = re.compile(r"images-\d+\..*\.?tempstate\d+|(checkpoint|best\.json)\.(tmp.*|\d+\.tmp)")


def write(saved: tf.train.Checkpoint, prefix: pathlib.Path) -> None:
    """Writes a checkpoint that survives a loss of power from the moment at which it has its name.

    Args:
      saved: what to write.
      prefix: of the checkpoint; its folder exists.

    Raises:
      tf.errors.OpError, OSError: the disk refused; nothing is left of the attempt.
    """
    apart = prefix.with_name(prefix.name + _SAVING)
    try:
        files.remove_folder(apart)
        apart.mkdir()
        saved.save_counter.assign(1)  # `write` leaves it out until somebody asks for it
        with literal_path.inside(apart / prefix.name) as name:
            saved.write(name)
        for path in sorted(apart.iterdir()):
            sync(path)
        _publish(apart, prefix)
    except BaseException:
        if not discovery.index_of(prefix).exists():
            remove(prefix)
        files.remove_folder(apart)
        raise


def _publish(apart: pathlib.Path, prefix: pathlib.Path) -> None:
    written = apart / prefix.name
    for path in discovery.data_of(written):
        path.rename(prefix.parent / path.name)
    discovery.index_of(written).rename(discovery.index_of(prefix))
    sync(prefix.parent)
    apart.rmdir()


def remove(prefix: pathlib.Path) -> None:
    """Deletes a checkpoint, the index first: half of one is none."""
    discovery.index_of(prefix).unlink(missing_ok=True)
    for path in discovery.data_of(prefix):
        path.unlink(missing_ok=True)


def sweep(folder: pathlib.Path) -> None:
    """Deletes what a save leaves that did not come to its end; no other process may be saving.

    Args:
      folder: of checkpoints; may be missing.
    """
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        if match := _TRACES.fullmatch(path.name):
            prefix = folder / match[1]
            if not discovery.index_of(prefix).exists():
                remove(prefix)
            # Last: it is what tells data without an index from a checkpoint that lost it.
            files.remove_folder(path)
        elif _LEFTOVERS.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def sync(path: pathlib.Path) -> None:
    """Brings a file, or the names in a folder, to the disk.

    Raises:
      OSError: the disk refused.
    """
    if locations.is_remote(path):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot sync a folder, and have nothing better.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
