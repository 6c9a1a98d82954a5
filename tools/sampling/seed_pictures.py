"""The pictures that dualcontrast-generate writes; each function says in words what and where."""

import math
import pathlib
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from dualcontrast.tools.sampling.sampler import Sampler
from dualcontrast.trainer import pictures

_Image = TypeVar("_Image")


def save_images(
    sampler: Sampler, seeds: list[int], classes: list[int], folder: pathlib.Path
) -> str:
    """Writes the image of every seed, of each of the classes; none for each seed's own."""
    total = len(seeds) * max(1, len(classes))
    labels = classes or [None]
    named = (pair for label in labels for pair in _named_images(sampler, seeds, label))
    for name, image in _counted(named, total):
        pictures.save_png(folder / name, image)
    return f"{total} images in {folder}"


def _named_images(
    sampler: Sampler, seeds: list[int], label: int | None
) -> Iterator[tuple[str, np.ndarray]]:
    for seed, image in zip(seeds, sampler.from_seeds(seeds, label)):
        labels = sampler.labels([seed], label)
        start = "" if labels is None else f"class{labels[0]:04d}-"
        yield f"{start}seed{seed:04d}.png", image


def save_class_grid(
    sampler: Sampler, seeds: list[int], classes: list[int], folder: pathlib.Path
) -> str:
    """Writes one picture with a row for every class, of the same seeds."""
    rows = (image for label in classes for image in sampler.from_seeds(seeds, label))
    images = np.stack(list(_counted(rows, len(seeds) * len(classes))))
    pictures.save_png(folder / "grid.png", pictures.grid(images, len(seeds)))
    return f"{folder / 'grid.png'} with {len(images)} images, a class a row"


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
    label: int | None,
    folder: pathlib.Path,
) -> str:
    """Writes a table of mixed styles, its sources above and to the left, and each of its images.

    All are of the class `label`, where there are classes.
    """
    above = list(sampler.from_seeds(columns, label))
    table = [np.zeros_like(above[0]), *above]
    for row in rows:
        table += sampler.from_seeds([row], label)
        for column, image in zip(columns, sampler.mixed(row, columns, layers, label)):
            pictures.save_png(folder / f"row{row:04d}-column{column:04d}.png", image)
            table.append(image)
        _progress(len(table), (len(rows) + 1) * (len(columns) + 1))
    picture = pictures.grid(np.stack(table), len(columns) + 1)
    pictures.save_png(folder / "style_mixing.png", picture)
    return f"{folder / 'style_mixing.png'} with {len(rows)} rows and {len(columns)} columns"


def save_interpolation(
    sampler: Sampler,
    ways: list[list[list[int]]],
    between: int,
    rate: int,
    label: int | None,
    folder: pathlib.Path,
) -> str:
    """Writes an animation through seeds that begins again, or several side by side.

    Args:
      sampler: draws the frames.
      ways: the seeds of each, two or more and of all alike, by rows and columns.
      between: frames from each seed to the next.
      rate: frames a second.
      label: of the frames, where there are classes.
      folder: for the file.
    """
    columns = len(ways[0])
    of_each = [sampler.interpolated(seeds, between, label) for row in ways for seeds in row]
    together = (pictures.grid(np.stack(cells), columns) for cells in zip(*of_each, strict=True))
    frames = list(_counted(together, between * len(ways[0][0])))
    path = folder / "interpolation.webp"
    pictures.save_animation(path, frames, 1000 // rate)
    return f"{path} of {len(frames)} frames"


def _counted(images: Iterable[_Image], total: int) -> Iterator[_Image]:
    for done, image in enumerate(images, start=1):
        yield image
        _progress(done, total)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done}/{total} images", end=end, file=sys.stderr, flush=True)
