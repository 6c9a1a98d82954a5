"""Which checkpoints a run has, found by looking at the files.

TensorFlow keeps a list, `checkpoints/checkpoint`. It is one more file that can be lost, garbled, or
older than what lies beside it, so nothing here goes by it.
"""

import contextlib
import glob
import logging
import pathlib
import re
from collections.abc import Iterator

import tensorflow as tf

from dualcontrast.trainer import errors, literal_path, locations
from dualcontrast.trainer.errors import UserError

FOLDER = "checkpoints"
BEST_FOLDER = "best"
INDEX_NAME = "checkpoint"

# What TensorFlow raises for a damaged checkpoint: a truncated data file is a bare IndexError, and
# a name in its index that is no UTF-8 any more a UnicodeDecodeError, which is a ValueError.
DAMAGE = (tf.errors.OpError, IndexError, AssertionError, ValueError, RuntimeError, OSError)

# What a file system elsewhere raises where there is no way to it: that says nothing of the file.
_NO_WAY = (
    tf.errors.AbortedError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnauthenticatedError,
    tf.errors.UnavailableError,
    OSError,
)

_LOG = logging.getLogger(__name__)
_PART = re.compile(r"images-(\d+)\.(index|data-\d{5}-of-(\d{5}))")
_NAMED = re.compile(rb'^model_checkpoint_path: "(.*)"$', re.MULTILINE)


def numbers(folder: pathlib.Path) -> list[int]:
    """Returns the images seen by each checkpoint in a folder, ascending: whole ones and others.

    Args:
      folder: where they are; missing before the first.

    Raises:
      UserError: it cannot be read, so that nobody knows.
    """
    if not (folder.exists() or folder.is_symlink()):
        return []
    try:
        matches = [_PART.fullmatch(path.name) for path in folder.iterdir()]
    except OSError as error:  # also a link to a disk that is not there
        raise UserError(
            f"{folder} cannot be read: {error.strerror}.\n"
            "Expected a folder of checkpoints; a link must lead to one."
        ) from None
    return sorted({int(match[1]) for match in matches if match})


def prefix_of(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Returns the path of a checkpoint without its endings."""
    return folder / f"images-{number}"


def index_of(prefix: pathlib.Path) -> pathlib.Path:
    """Returns the file that makes a checkpoint one: it is the last to appear, the first to go."""
    return prefix.with_name(f"{prefix.name}.index")


def data_of(prefix: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files with a checkpoint's values."""
    pattern = f"{glob.escape(prefix.name)}.data-?????-of-?????"
    return sorted(prefix.parent.glob(pattern))


def state_of(prefix: pathlib.Path) -> list[tuple[str, int, int]]:
    """Returns what changes when a checkpoint's files do: their names, sizes and times."""
    found = []
    for path in [index_of(prefix), *data_of(prefix)]:
        with contextlib.suppress(FileNotFoundError):  # the trainer deletes old ones
            status = path.stat()
            found.append((path.name, status.st_size, status.st_mtime_ns))
    return found


def candidates(workdir: pathlib.Path) -> list[pathlib.Path]:
    """Returns what a run may go on from, newest first; whether it is whole is another question.

    That is `checkpoints/`. The best checkpoint is a whole state too, and the last resort; but not
    that of 0 images, from which a run has nothing to go on with.
    """
    found = [prefix_of(workdir / FOLDER, number) for number in numbers(workdir / FOLDER)[::-1]]
    best = [number for number in numbers(workdir / BEST_FOLDER)[::-1] if number]
    return found + [prefix_of(workdir / BEST_FOLDER, number) for number in best]


def fault(prefix: pathlib.Path, read_values: bool = True) -> str | None:
    """Returns what is wrong with a checkpoint, None when it is whole.

    Args:
      prefix: of a checkpoint.
      read_values: and compare their checksums, which takes as long as to restore them.

    Raises:
      UserError: it lies elsewhere and cannot be reached, so that nobody knows.
    """
    try:
        if missing := _missing_part(prefix):
            return missing
        with literal_path.inside(prefix) as name:
            reader = tf.compat.v1.train.NewCheckpointReader(name)
            for tensor in reader.get_variable_to_shape_map() if read_values else ():
                reader.get_tensor(tensor)
    except DAMAGE as error:
        is_missing = isinstance(error, FileNotFoundError)
        if locations.is_remote(prefix) and isinstance(error, _NO_WAY) and not is_missing:
            raise UserError(
                f"checkpoint {prefix} cannot be read: {errors.first_line(error)}\n"
                "See that this machine has a way to it, then run the same command again."
            ) from error
        return errors.first_line(error)
    return None


def _missing_part(prefix: pathlib.Path) -> str | None:
    if not index_of(prefix).exists():
        return f"{index_of(prefix).name} is missing"
    data = data_of(prefix)
    total = int(data[0].name[-5:]) if data else 1
    if len(data) < total:
        return f"{total - len(data)} of its {total} data files are missing"
    return None


def newest_whole(workdir: pathlib.Path) -> pathlib.Path | None:
    """Returns the prefix of the newest checkpoint that is whole; says which ones it passed over.

    Args:
      workdir: of a run.
    """
    for prefix in candidates(workdir):
        if (found := fault(prefix)) is None:
            if note := disagreement(prefix):
                _LOG.warning(note)
            return prefix
        _LOG.warning("checkpoint %s is damaged: %s", prefix, found)
    return None


def disagreement(prefix: pathlib.Path) -> str | None:
    """Returns in what the list of a folder differs from its newest whole checkpoint, if it does.

    Args:
      prefix: of that checkpoint.
    """
    if prefix.parent.name != FOLDER:
        return f"{prefix.parent.parent / FOLDER} has no whole checkpoint: taking {prefix}"
    index = prefix.parent / INDEX_NAME
    try:
        match = _NAMED.search(index.read_bytes())
    except OSError as error:
        return f"{index} cannot be read ({error.strerror}): taking {prefix.name}, which is whole"
    named = pathlib.PurePath(match[1].decode("utf-8", "replace")).name if match else "no checkpoint"
    if named == prefix.name:
        return None
    return f"{index} names {named}: taking {prefix.name}, the newest that is whole"


def lost_indexes(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields the prefixes of checkpoints that have data and no index."""
    for number in numbers(folder):
        prefix = prefix_of(folder, number)
        if not index_of(prefix).exists():
            yield prefix
