"""What TensorBoard shows of a run: each number and picture once for a step, resumed or not."""

import contextlib
import pathlib
from collections.abc import Iterator

import tensorflow as tf

from dualcontrast.trainer import files

_ADVICE = "Make room, or set the file right, then run the same command again."


class Summaries:
    """Writes event files, after a look at those that an earlier process has left.

    Plain protocol buffers, because tf.summary.scalar needs TensorBoard installed.

    Args:
      folder: of the event files.
      last: step after which the run repeats what they hold: it is cut.

    Raises:
      UserError: the disk refused.
    """

    def __init__(self, folder: pathlib.Path, last: int):
        self._folder = folder
        # A process that is killed may have shown more of a step than was saved with it.
        self._shown = {key for path in _event_files(folder) for key in _cut(path, last)}
        with _writing(folder):
            self._writer = tf.summary.create_file_writer(str(folder))

    def scalars(self, values: dict[str, float], step: int) -> None:
        """Shows numbers by name at a step, those that are not there yet.

        Raises:
          UserError: the disk refused.
        """
        self._add([_value(tag=name, simple_value=value) for name, value in values.items()], step)

    def picture(self, tag: str, png: bytes, step: int) -> None:
        """Shows an encoded picture at a step, if there is none yet.

        Raises:
          UserError: the disk refused.
        """
        image = tf.compat.v1.Summary.Image(encoded_image_string=png)
        self._add([_value(tag=tag, image=image)], step)

    def _add(self, values: list, step: int) -> None:
        new = [value for value in values if (value.tag, step) not in self._shown]
        self._shown.update((value.tag, step) for value in new)
        if not new:
            return
        summary = tf.compat.v1.Summary(value=new)
        with _writing(self._folder):
            with self._writer.as_default(step=step):
                tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=step)
            self._writer.flush()


def _value(**fields) -> tf.compat.v1.Summary.Value:
    return tf.compat.v1.Summary.Value(**fields)


@contextlib.contextmanager
def _writing(folder: pathlib.Path) -> Iterator[None]:
    """Turns what the disk refuses inside into a UserError."""
    try:
        with files.writing(folder, _ADVICE):
            yield
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0][:200]
        raise files.FileError(f"{folder} cannot be written: {reason}\n{_ADVICE}") from error


def _event_files(folder: pathlib.Path) -> list[pathlib.Path]:
    with files.reading(folder):
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in paths if ".tfevents." in path.name and path.suffix != ".tmp"]


def _cut(path: pathlib.Path, last: int) -> set[tuple[str, int]]:
    """Takes the steps after `last` out of a file; returns tags and steps of what stays in it."""
    events = [tf.compat.v1.Event.FromString(record) for record in _records(path)]
    if any(event.step > last for event in events):
        events = [event for event in events if event.step <= last]
        _replace(path, [event.SerializeToString() for event in events])
    return {(value.tag, event.step) for event in events for value in event.summary.value}


def _records(path: pathlib.Path) -> Iterator[bytes]:
    """Yields the whole records of a file, which a killed process may have left with half of one."""
    try:
        yield from tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    except tf.errors.DataLossError:
        return
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0][:200]
        raise files.FileError(f"{path} cannot be read: {reason}\n{_ADVICE}") from error


def _replace(path: pathlib.Path, records: list[bytes]) -> None:
    partial = path.with_name(f"{path.name}.tmp")
    with _writing(path.parent):
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for record in records:
                writer.write(record)
        partial.replace(path)
