"""What a run says about itself: a line on the screen, a line of JSON, TensorBoard summaries."""

import json
import pathlib

import tensorflow as tf

from dualcontrast.trainer import files
from dualcontrast.trainer.formatting import duration, short_number

METRICS_NAME = "metrics.jsonl"


def progress_line(row: dict, total_images: int) -> str:
    """Returns the state of a run in at most 100 columns.

    Args:
      row: as written to metrics.jsonl; the lazy metrics may be missing.
      total_images: length of the run.
    """
    seen, rate = row["images_seen"], row["images_per_second"]
    left = duration((total_images - seen) / rate) if rate else "?"
    words = [
        f"{short_number(seen)}/{short_number(total_images)}",
        f"{short_number(rate)}/s",
        f"eta {left}",
        row["phase"],
    ]
    names = {
        "D": "loss/D",
        "G": "loss/G",
        "real": "logits/real",
        "fake": "logits/fake",
        "r1": "r1",
        "pl": "path_length",
    }
    words += [f"{word} {short_number(row[name])}" for word, name in names.items() if name in row]
    return " ".join(words)


class Log:
    """Writes metrics.jsonl and TensorBoard summaries; lines that a resumed run repeats are cut.

    Args:
      workdir: of the run.
      images_seen: what the run has seen; later lines are of steps that were never saved.
    """

    def __init__(self, workdir: pathlib.Path, images_seen: int):
        self._path = workdir / METRICS_NAME
        if self._path.exists():
            files.write(self._path, _lines_until(self._path, images_seen))
        # Written as plain protocol buffers, because tf.summary.scalar needs TensorBoard installed.
        self._writer = tf.summary.create_file_writer(str(workdir / "tensorboard"))

    def write(self, row: dict) -> None:
        """Writes one row of metrics at row["images_seen"]."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")
        scalars = {name: value for name, value in row.items() if isinstance(value, float)}
        values = [_value(tag=name, simple_value=value) for name, value in scalars.items()]
        self._summarise(values, row["images_seen"])

    def write_scalars(self, scalars: dict[str, float], images_seen: int) -> None:
        """Shows numbers in TensorBoard that have no place in metrics.jsonl."""
        values = [_value(tag=name, simple_value=value) for name, value in scalars.items()]
        self._summarise(values, images_seen)

    def write_picture(self, tag: str, png: bytes, images_seen: int) -> None:
        """Shows an encoded picture in TensorBoard."""
        image = tf.compat.v1.Summary.Image(encoded_image_string=png)
        self._summarise([_value(tag=tag, image=image)], images_seen)

    def _summarise(self, values: list, images_seen: int) -> None:
        summary = tf.compat.v1.Summary(value=values)
        with self._writer.as_default(step=images_seen):
            tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=images_seen)
        self._writer.flush()


def _value(**fields) -> tf.compat.v1.Summary.Value:
    return tf.compat.v1.Summary.Value(**fields)


def _lines_until(path: pathlib.Path, images_seen: int) -> str:
    """Returns the whole lines up to `images_seen`; a killed run may leave half a line."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if row["images_seen"] <= images_seen:
            kept.append(line + "\n")
    return "".join(kept)
