"""The contact sheet: a row an augmentation, a column a strength, or a draw."""

import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from dualcontrast.tools.contact_sheet.spread import Spread
from dualcontrast.trainer import augmentations, draws, pictures
from dualcontrast.trainer.config import augmentation_sections
from dualcontrast.trainer.data import image_stream, manifest

_LEAST_SIDE, _MOST_SIDE = 64, 128
_GAP, _LABEL, _FONT_SIZE = 4, 180, 13


class Row(NamedTuple):
    """An augmentation.

    Attributes:
      label: what is written beside it.
      change: of images in [-1, 1].
      spread: whether its random numbers go from the least to the greatest, from left to right.
    """

    label: str
    change: Callable[[tf.Tensor, draws.Draws], tf.Tensor]
    spread: bool


def rows() -> list[Row]:
    """Returns what there is: every change that a section may have, and what it is as a whole."""
    sections = augmentation_sections
    strongest = {"least_area": 0.08, "jitter": 0.8, "hue": 0.2, "blur": True, "cutout": True}
    return [
        *_of("DiffAugment", sections.DiffAugment()),
        *_of("SimCLR", sections.SimCLR(blur=True, cutout=True)),
        _whole("SimCLR, CIFAR", sections.SimCLR()),
        _whole("SimCLR, AFHQ", sections.SimCLR(**strongest)),
        *_of("flip and shift", sections.FlipShift()),
    ]


def _of(title: str, section: augmentation_sections.AugmentationSection) -> Iterator[Row]:
    """Yields a row a change, and then the whole."""
    augmentation = augmentations.of(section)
    if isinstance(augmentation, augmentations.Sequence):
        for name, change in augmentation.changes.items():
            yield Row(f"{title}: {name.replace('_', ' ')}", change, spread=True)
    yield Row(title, augmentation, spread=False)


def _whole(title: str, section: augmentation_sections.AugmentationSection) -> Row:
    return Row(title, augmentations.of(section), spread=False)


def write(dataset: manifest.Manifest, path: pathlib.Path, columns: int, seed: int) -> int:
    """Writes the sheet of an image, and returns how many rows it has.

    Args:
      dataset: of the image.
      path: of the PNG file.
      columns: changed images in a row, 2 at least.
      seed: of the image and the random numbers.

    Raises:
      UserError: the dataset is damaged, or the file cannot be written.
    """
    image = _image(dataset, seed)
    shown = [(row.label, _changed(image, row, columns, seed)) for row in rows()]
    pictures.save_png(path, draw(pictures.to_uint8(image)[0].numpy(), shown))
    return len(shown)


def _image(dataset: manifest.Manifest, seed: int) -> tf.Tensor:
    """Returns an image, [1, resolution, resolution, channels] float32 in [-1, 1]."""
    try:
        batches = image_stream.image_batches(
            dataset, batch_size=1, seed=seed, start_image=0, mirror=False
        )
        return tf.cast(next(iter(batches)), tf.float32) / 127.5 - 1
    except image_stream.READ_ERRORS as error:
        raise image_stream.explain(error, dataset) from error


def _changed(image: tf.Tensor, row: Row, columns: int, seed: int) -> np.ndarray:
    """Returns the image as a row has it, uint8 [columns, resolution, resolution, channels]."""
    found = []
    for column in range(columns):
        drawn: draws.Draws
        if row.spread:
            drawn = Spread(seed, column, column / (columns - 1))
        else:
            drawn = draws.Draws(seed, column, draws.Purpose.GRID, 1)
        found.append(row.change(image, drawn))
    return pictures.to_uint8(tf.concat(found, axis=0)).numpy()


def draw(image: np.ndarray, shown: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """Returns the picture, uint8 [height, width, 3].

    Args:
      image: as it is, uint8 [resolution, resolution, channels]; the first of every row.
      shown: a row's label and its images, [columns, resolution, resolution, channels].
    """
    resolution = len(image)
    side = min(-(-_LEAST_SIDE // resolution) * resolution, _MOST_SIDE)
    step, columns = side + _GAP, 1 + len(shown[0][1])
    picture = Image.new("RGB", (_LABEL + columns * step, _GAP + len(shown) * step), "white")
    pen = ImageDraw.Draw(picture)
    for number, (label, images) in enumerate(shown):
        top = _GAP + number * step
        middle = top + side / 2
        pen.text((_GAP, middle), label, fill="black", font_size=_FONT_SIZE, anchor="lm")
        for column, panel in enumerate([image, *images]):
            picture.paste(pictures.resized(panel, side), (_LABEL + column * step, top))
    return np.asarray(picture)
