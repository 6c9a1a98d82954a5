"""The contact sheet: a row an augmentation, a column a strength, or a draw."""

import math
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from dualcontrast.tools.contact_sheet.spread import Spread
from dualcontrast.trainer import augmentations, draws, pictures
from dualcontrast.trainer.config import augmentation_sections
from dualcontrast.trainer.data import image_stream, manifest

_LEAST_SIDE, _MOST_SIDE = 64, 128
_GAP = 4
_FONT = ImageFont.load_default(13)


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
    """Returns what there is: the changes that a section may have, and what it is as a whole."""
    kinds = augmentation_sections
    strongest = {"least_area": 0.08, "jitter": 0.8, "hue": 0.2, "blur": True, "cutout": True}
    return [
        *_parts("DiffAugment", kinds.DiffAugment()),
        _whole("DiffAugment", kinds.DiffAugment()),
        *_parts("SimCLR", kinds.SimCLR(blur=True, cutout=True)),
        _whole("SimCLR (CIFAR-10)", kinds.SimCLR()),
        _whole("SimCLR (AFHQ)", kinds.SimCLR(**strongest)),
        *_parts("CR", kinds.FlipShift()),
        _whole("CR", kinds.FlipShift()),
    ]


def _parts(title: str, section: augmentation_sections.AugmentationSection) -> list[Row]:
    """Returns a row for every change of a sequence."""
    sequence = augmentations.of(section)
    assert isinstance(sequence, augmentations.Sequence)
    return [
        Row(f"{title}: {name.replace('_', ' ')}", change, spread=True)
        for name, change in sequence.changes.items()
    ]


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
    left = 2 * _GAP + max(math.ceil(_FONT.getlength(label)) for label, _ in shown)
    picture = Image.new("RGB", (left + columns * step, _GAP + len(shown) * step), "white")
    pen = ImageDraw.Draw(picture)
    for number, (label, images) in enumerate(shown):
        top = _GAP + number * step
        pen.text((_GAP, top + side / 2), label, fill="black", font=_FONT, anchor="lm")
        for column, panel in enumerate([image, *images]):
            picture.paste(pictures.resized(panel, side), (left + column * step, top))
    return np.asarray(picture)
