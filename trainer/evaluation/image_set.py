"""Images to measure: where they come from, how many they are, and what decides their pixels."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dualcontrast.trainer.data import image_stream
from dualcontrast.trainer.data.manifest import Manifest
from dualcontrast.trainer.errors import UserError

_BATCH = 64


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Images in a fixed order, which can be read again and again.

    Attributes:
      name: for people, such as a path.
      count: how many.
      resolution: width and height in pixels.
      channels: 1, 3 or 4.
      protocol: everything that decides the pixels, ready for JSON; part of every cache key.
      read: yields them as uint8 [any number, resolution, resolution, channels].
      classes: names of those that the images are labelled with; none without labels.
      labels: returns the class of each image, [count] int64; None without labels.
    """

    name: str
    count: int
    resolution: int
    channels: int
    protocol: dict[str, Any]
    read: Callable[[], Iterator[np.ndarray]]
    classes: tuple[str, ...] = ()
    labels: Callable[[], np.ndarray] | None = None


def check_alike(reals: tuple[str, int, int], fakes: ImageSet) -> None:
    """Refuses to compare images of two sizes or kinds.

    Args:
      reals: their name, resolution and channels.
      fakes: the others.

    Raises:
      UserError: they differ.
    """
    name, resolution, channels = reals
    if (resolution, channels) != (fakes.resolution, fakes.channels):
        raise UserError(
            f"{fakes.name} has images of {_size(fakes.resolution, fakes.channels)}, {name} of "
            f"{_size(resolution, channels)}: convert the real images to the size of the others"
        )


def of_dataset(
    dataset: Manifest, count: int | None, most: int, mirror: bool = False, seed: int = 0
) -> ImageSet:
    """Returns the first images of a dataset in stored order.

    Args:
      dataset: opened.
      count: how many; None for all of them, but no more than `most`.
      most: see `count`.
      mirror: flips each image left to right by a coin, as published for runs that mirror.
      seed: of the coins.

    Raises:
      UserError: the dataset has fewer.
    """
    if count is not None and count > dataset.count:
        raise UserError(f"{dataset.folder} has {dataset.count:,} images, asked for {count:,}")
    count = min(dataset.count, most) if count is None else count
    protocol = {
        "kind": "dataset",
        "count": count,
        "resolution": dataset.resolution,
        "channels": dataset.channels,
        "crop": dataset.crop,
        "filter": dataset.filter,
        "encoding": dataset.encoding,
        "mirror": mirror,
        "mirror_seed": seed if mirror else None,
        # The content, so that a dataset that was replaced in its place is another one.
        "sha256": [shard.sha256 for shard in dataset.shards],
    }

    def read() -> Iterator[np.ndarray]:
        coins = np.random.default_rng(seed).integers(0, 2, count) == 1
        done = 0
        for batch in _stored(dataset, count):
            flipped = coins[done : done + len(batch), None, None, None] & mirror
            yield np.where(flipped, batch[:, :, ::-1], batch)
            done += len(batch)

    return ImageSet(
        str(dataset.folder),
        count,
        dataset.resolution,
        dataset.channels,
        protocol,
        read,
        tuple(category.name for category in dataset.classes),
        functools.cache(lambda: _labels(dataset, count)) if dataset.classes else None,
    )


def draw(images: ImageSet, most: int, seed: int = 0) -> np.ndarray:
    """Returns images drawn from a set without repetition, the same ones at every call.

    Args:
      images: to draw from.
      most: how many; all of them if the set has fewer, in another order.
      seed: of the draw.

    Returns:
      uint8 [drawn, resolution, resolution, channels].
    """
    wanted = np.random.default_rng(seed).permutation(images.count)[:most]
    drawn = np.empty((len(wanted), *2 * [images.resolution], images.channels), np.uint8)
    place = np.full(images.count, -1)
    place[wanted] = np.arange(len(wanted))
    done = 0
    for batch in images.read():
        places = place[done : done + len(batch)]
        drawn[places[places >= 0]] = batch[places >= 0]
        done += len(batch)
    return drawn


def _stored(dataset: Manifest, count: int) -> Iterator[np.ndarray]:
    try:
        yield from image_stream.stored_images(dataset, count).batch(_BATCH).as_numpy_iterator()
    except image_stream.READ_ERRORS as error:
        raise image_stream.explain(error, dataset) from error


def _labels(dataset: Manifest, count: int) -> np.ndarray:
    labels = image_stream.stored_labels(dataset, count)
    wrong = labels[(labels < 0) | (labels >= len(dataset.classes))]
    if len(wrong):
        raise UserError(
            f"{dataset.folder} has an image of class {wrong[0]}, its manifest"
            f" {len(dataset.classes)} classes. Convert the images again: dualcontrast-convert"
        )
    return labels


def _size(resolution: int, channels: int) -> str:
    return f"{resolution}x{resolution}x{channels}"
