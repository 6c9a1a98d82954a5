"""Pictures of a run in the making: a grid of reals, and of the same latents again and again."""

import pathlib

import numpy as np
import tensorflow as tf

from dualcontrast.trainer import draws, files, pictures, progress
from dualcontrast.trainer.config import schema
from dualcontrast.trainer.data import image_stream, manifest

COLUMNS, ROWS = 8, 8
_BATCH = 16


class Grids:
    """Writes WORKDIR/grids and shows them in TensorBoard.

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
        """Writes the first images of the dataset.

        Raises:
          UserError: the dataset is damaged, or the disk is full.
        """
        reals = image_stream.first_images(dataset, min(COLUMNS * ROWS, dataset.count))
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
        count = COLUMNS * ROWS
        draw = draws.Draws(config.training.seed, 0, draws.Purpose.GRID, count)
        self._latents = draw.latents(average.latent_size)
        self._generate = tf.function(average, autograph=False)

    def images(self) -> np.ndarray:
        chunks = tf.split(self._latents, len(self._latents) // _BATCH)
        return np.concatenate([self._generate(chunk).numpy() for chunk in chunks])
