"""A folder of images as they are, for evaluation: nothing is cropped, resized or converted.

An image may cost what it may cost the converter. All work is done in the main thread of one
process, so a decoder that cannot be interrupted can only be waited for.
"""

import collections
import contextlib
import hashlib
import pathlib
from collections.abc import Iterator

import numpy as np

from dualcontrast.tools.conversion import colour, decode_bounds, pixel_formats
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import folder
from dualcontrast.tools.conversion.sources.source import SUFFIXES
from dualcontrast.trainer import files
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import encodings
from dualcontrast.trainer.evaluation.image_set import ImageSet

_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
_MAX_PIXELS = 50_000_000
_BATCH = 64
_BOUNDS = decode_bounds.Bounds()


def open_folder(path: str, flag: str, count: int | None, most: int) -> ImageSet:
    """Returns the images of a folder and all below it, sorted by path.

    Args:
      path: of the folder.
      flag: that named it.
      count: how many of them; None for all, but no more than `most`.
      most: see `count`.

    Raises:
      UserError: it has too few, or they differ in size or kind, or one cannot be read.
    """
    names = _names(path, flag)
    if count is not None and count > len(names):
        raise UserError(f"{flag}={path} has {len(names):,} images, asked for {count:,}")
    names = names[: most if count is None else count]
    paths = [pathlib.Path(path) / name for name in names]
    with _BOUNDS.watching() as watch:
        first = _pixels(paths[0], watch)
        _check_sizes(paths, first, watch)
    side, _, channels = first.shape
    digest, encoded = _look(paths, pathlib.Path(path))
    protocol = {
        "kind": "folder",
        "count": len(paths),
        "resolution": side,
        "channels": channels,
        "encodings": encoded,
        "sha256": digest,
    }
    return ImageSet(path, len(paths), side, channels, protocol, lambda: _read(paths, first))


def _names(path: str, flag: str) -> list[str]:
    source = folder.Folder(path)
    listing = source.listing()
    if listing.others:
        print(f"{path}: {len(listing.others):,} not looked at: {listing.passed_over}", flush=True)
    if not listing.entries:
        raise UserError(f"{flag}={path} has no images ({', '.join(SUFFIXES)})")
    for entry, opener in zip(listing.entries, source.openers(listing.entries), strict=True):
        if entry.name.endswith("/"):  # Which images are missing, nobody can say.
            try:
                opener()
            except Rejected as error:
                raise UserError(f"{pathlib.Path(path) / entry.name} {error}") from error
    return [entry.name for entry in listing.entries]


def _check_sizes(paths: list[pathlib.Path], first: np.ndarray, watch: decode_bounds.Watch) -> None:
    """Looks at the headers of all images before any time is spent on their pixels."""
    height, width, _ = first.shape
    if height != width:
        raise UserError(f"{paths[0]} has {width}x{height} pixels: expected squares. {_CONVERT}")
    for path in paths:
        with files.reading(path), open(path, "rb") as file:
            with _told(path), watch:
                size = pixel_formats.shown_size(file, _MAX_PIXELS)
        if size != (width, height):
            raise UserError(
                f"{path} has {size[0]}x{size[1]} pixels, {paths[0]} {width}x{height}: expected "
                f"one size. {_CONVERT}"
            )


_CONVERT = "Make a dataset of them: dualcontrast-convert --help"


@contextlib.contextmanager
def _told(path: pathlib.Path) -> Iterator[None]:
    """Says of which image it is that it is rejected."""
    try:
        yield
    except Rejected as error:
        raise UserError(f"{path} {error}.\nTo leave such images out: {_CONVERT}") from error


def _read(paths: list[pathlib.Path], first: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(paths), _BATCH):
        # By batches: the clock of the bounds does not tick while they are used.
        with _BOUNDS.watching() as watch:
            batch = [_pixels(path, watch) for path in paths[start : start + _BATCH]]
        for path, image in zip(paths[start:], batch):
            if image.shape != first.shape:
                raise UserError(
                    f"{path} has {image.shape[2]} channels, {paths[0]} {first.shape[2]}: expected "
                    f"one kind. {_CONVERT}"
                )
        yield np.stack(batch)


def _pixels(path: pathlib.Path, watch: decode_bounds.Watch) -> np.ndarray:
    """Returns uint8 [height, width, channels]."""
    content = files.read_bytes(path)
    with _told(path), watch:
        picture, _ = colour.to_srgb(pixel_formats.read(content, _MAX_PIXELS))
        if picture.mode not in _CHANNELS:
            picture = picture.convert("RGBA")
        return np.asarray(picture).reshape(picture.height, picture.width, _CHANNELS[picture.mode])


def _look(paths: list[pathlib.Path], folder: pathlib.Path) -> tuple[str, dict[str, int]]:
    """Returns one sha256 of the names and contents, and how many images have which encoding.

    By the first a replaced image is noticed.
    """
    found = hashlib.sha256()
    encoded: collections.Counter[str] = collections.Counter()
    for path in paths:
        content = files.read_bytes(path)
        line = f"{path.relative_to(folder)}\0{hashlib.sha256(content).hexdigest()}\n"
        found.update(line.encode("utf-8", "surrogateescape"))
        encoded[encodings.of_file(content)] += 1
    return found.hexdigest(), dict(sorted(encoded.items()))
