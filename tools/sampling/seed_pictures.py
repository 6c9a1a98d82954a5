"""The pictures that dualcontrast-generate writes; each function says in words what and where."""

import math
import pathlib
import sys
from collections.abc import Iterable, Iterator

import numpy as np

from dualcontrast.tools.sampling.sampler import Sampler
from dualcontrast.trainer import pictures


def save_images(sampler: Sampler, seeds: list[int], folder: pathlib.Path) -> str:
    """Writes the image of every seed."""
    images = _counted(sampler.from_seeds(seeds), len(seeds))
    for seed, image in zip(seeds, images):
        pictures.save_png(folder / f"seed{seed:04d}.png", image)
    return f"{len(seeds)} images in {folder}"


def save_grid(sampler: Sampler, seeds: list[int], folder: pathlib.Path) -> str:
    """Writes the images of all seeds as one picture, nearly square."""
    images = np.stack(list(_counted(sampler.from_seeds(seeds), len(seeds))))
    pictures.save_png(folder / "grid.png", pictures.grid(images, math.isqrt(len(seeds) - 1) + 1))
    return f"{folder / 'grid.png'} with {len(seeds)} images"


def save_style_mixing(
    sampler: Sampler,
    rows: list[int],
    columns: list[int],
    layers: list[int],
    folder: pathlib.Path,
) -> str:
    """Writes a table of mixed styles, its sources above and to the left, and each of its images."""
    above = list(sampler.from_seeds(columns))
    table = [np.zeros_like(above[0]), *above]
    for row in rows:
        table += sampler.from_seeds([row])
        for column, image in zip(columns, sampler.mixed(row, columns, layers)):
            pictures.save_png(folder / f"row{row:04d}-column{column:04d}.png", image)
            table.append(image)
        _progress(len(table), (len(rows) + 1) * (len(columns) + 1))
    picture = pictures.grid(np.stack(table), len(columns) + 1)
    pictures.save_png(folder / "style_mixing.png", picture)
    return f"{folder / 'style_mixing.png'} with {len(rows)} rows and {len(columns)} columns"


def save_interpolation(
    sampler: Sampler, seeds: list[int], between: int, rate: int, folder: pathlib.Path
) -> str:
    """Writes an animation through the seeds that begins again.

    Args:
      sampler: draws the frames.
      seeds: two or more.
      between: frames from each seed to the next.
      rate: frames a second.
      folder: for the file.
    """
    frames = list(_counted(sampler.interpolated(seeds, between), between * len(seeds)))
    path = folder / "interpolation.webp"
    pictures.save_animation(path, frames, 1000 // rate)
    return f"{path} of {len(frames)} frames"


def _counted(images: Iterable[np.ndarray], total: int) -> Iterator[np.ndarray]:
    for done, image in enumerate(images, start=1):
        yield image
        _progress(done, total)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done}/{total} images", end=end, file=sys.stderr, flush=True)
