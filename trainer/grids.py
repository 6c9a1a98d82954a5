"""Pictures of a run in the making: a grid of reals, and of the same latents again and again."""

import pathlib

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import draws, files, pictures, progress
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import image_stream, manifest

COLUMNS, ROWS = 8, 8
_MOST_CLASSES = 16
_LOOKED_AT = 1000  # Images of the dataset, for some of each class.
_BATCH = 16


class Grids:
    """Writes WORKDIR/grids and shows them in TensorBoard; with classes a row for each, 16 at most.

    Args:
      config: of the run.
      workdir: of the run.
      average: the generator to draw with.
      log: of the run.
    """

    def __init__(self, config: schema.Config, workdir: pathlib.Path, average, log: progress.Log):
        self._folder, self._log = workdir / "grids", log
        self._sampler = _Sampler(config, average)

    def save_reals(self, dataset: manifest.Manifest) -> None:
        """Writes the first images of the dataset, or of each class.

        Raises:
          UserError: the dataset is damaged, or the disk is full.
        """
        reals = _first_images(dataset, self._sampler.classes)
        self._save("reals", pictures.grid(reals, COLUMNS), 0)

    def save_fakes(self, images_seen: int) -> None:
        """Writes the images of the fixed latents.

        Raises:
          UserError: the disk is full.
        """
        images = pictures.to_uint8(self._sampler.images())
        self._save(f"fakes-{images_seen:012d}", pictures.grid(images, COLUMNS), images_seen)

    def _save(self, name: str, picture: np.ndarray, images_seen: int) -> None:
        path = self._folder / f"{name}.png"
        files.make_folder(self._folder)
        pictures.save_png(path, picture)
        self._log.write_picture(name.split("-")[0], files.read_bytes(path), images_seen)


class _Sampler:
    """Draws the same latents again and again with the averaged generator and its fixed noise."""

    def __init__(self, config: schema.Config, average):
        self.classes = average.classes
        draw = draws.Draws(config.training.seed, 0, draws.Purpose.GRID, COLUMNS * ROWS)
        latents = draw.latents(average.latent_size, average.latent)
        self._inputs = {"z": latents}
        if self.classes:
            # The same latents in every row.
            rows = min(self.classes, _MOST_CLASSES)
            self._inputs["z"] = tf.tile(latents[:COLUMNS], [rows, 1])
            self._inputs["labels"] = tf.repeat(tf.range(rows, dtype=tf.int64), COLUMNS)
        self._generate = tf.function(lambda inputs: average(**inputs), autograph=False)

    def images(self) -> np.ndarray:
        found = []
        for first in range(0, len(self._inputs["z"]), _BATCH):
            batch = {name: x[first : first + _BATCH] for name, x in self._inputs.items()}
            found.append(self._generate(batch).numpy())
        return np.concatenate(found)


def _first_images(dataset: manifest.Manifest, classes: int) -> np.ndarray:
    """Returns the first images of the dataset; with classes those of each, black where it ends."""
    if not classes:
        return image_stream.first_images(dataset, min(COLUMNS * ROWS, dataset.count))
    count = min(_LOOKED_AT, dataset.count)
    rows = min(classes, _MOST_CLASSES)
    labels = image_stream.stored_labels(dataset, count)
    images = image_stream.first_images(dataset, count)
    found = np.zeros([rows, COLUMNS, *images.shape[1:]], np.uint8)
    for row in range(rows):
        own = images[labels == row][:COLUMNS]
        found[row, : len(own)] = own
    return found.reshape([-1, *images.shape[1:]])
