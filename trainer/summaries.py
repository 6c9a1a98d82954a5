"""What TensorBoard shows of a run: each number and picture once for a step, resumed or not."""

import contextlib
import pathlib
from collections.abc import Iterable, Iterator

import tensorflow as tf

from dualcontrast.trainer import files, literal_path

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
        files.make_folder(folder)
        self._place = contextlib.ExitStack()  # for as long as there is a writer
        with _writing(folder):
            place = self._place.enter_context(literal_path.folder(folder))
            self._writer = tf.summary.create_file_writer(place)

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
    kept: set[tuple[str, int]] = set()
    is_to_cut = False
    for event in _events(path):
        if event.step > last:
            is_to_cut = True
        else:
            kept.update((value.tag, event.step) for value in event.summary.value)
    if is_to_cut:
        # Read again, for the pictures of a long run are more than fits in memory.
        sound = (event for event in _events(path) if event.step <= last)
        _replace(path, (event.SerializeToString() for event in sound))
    return kept


def _events(path: pathlib.Path) -> Iterator[tf.compat.v1.Event]:
    return map(tf.compat.v1.Event.FromString, _records(path))


def _records(path: pathlib.Path) -> Iterator[bytes]:
    """Yields the whole records of a file, which a killed process may have left with half of one."""
    try:
        with literal_path.inside(path) as name:
            yield from tf.data.TFRecordDataset(name).as_numpy_iterator()
    except tf.errors.DataLossError:
        return
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0][:200]
        raise files.FileError(f"{path} cannot be read: {reason}\n{_ADVICE}") from error


def _replace(path: pathlib.Path, records: Iterable[bytes]) -> None:
    partial = path.with_name(f"{path.name}.tmp")
    with _writing(path.parent), literal_path.inside(partial) as name:
        with tf.io.TFRecordWriter(name) as writer:
            for record in records:
                writer.write(record)
        partial.replace(path)
