"""Arrays of images, as numpy saves them: .npy, or .npz with several."""

import functools
import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np

from dualcontrast.tools.conversion import label_file
from dualcontrast.tools.conversion.sources import raw_pixels, source
from dualcontrast.tools.conversion.sources.source import Entry, Labels, Listing, Opener
from dualcontrast.trainer.errors import UserError

SUFFIXES = (".npy", ".npz")
_CHANNELS = (1, 3, 4)
_EXPECTED = "uint8 of [images, height, width, 1, 3 or 4], [images, 1, 3 or 4, height, width] or"
_EXPECTED += " [images, height, width]"
_FAULTS = (
    *(OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile),
    *(zlib.error, lzma.LZMAError),
    RuntimeError,  # of an archive with a password; NotImplementedError is one too
)


@dataclass(frozen=True)
class Arrays(source.Source):
    """The images of one array.

    Attributes:
      path: of the file.
      array: its name in a .npz; empty for a .npy.
    """

    path: str
    array: str
    has_profiles = False

    def listing(self) -> Listing:
        """One entry an image."""
        images = _images(self.path, self.array)
        of = self.array or os.path.basename(self.path)
        names = (f"{of}/{place}" for place in range(len(images)))
        return Listing([Entry(name, n, images[0].nbytes) for n, name in enumerate(names)])

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        images = _images(self.path, self.array)
        for entry in entries:
            yield functools.partial(_open_image, images, entry.place)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The arrays of the file that have one whole number for each image."""
        if not self.array:
            return ()
        count = len(_images(self.path, self.array))
        arrays = {name: _load(self.path, name) for name in _names(self.path)}
        return tuple(
            name for name, one in arrays.items() if one.dtype.kind in "iu" and one.size == count
        )

    def labels(self, wanted: str) -> Labels | None:
        """The numbers in another array of the file; classes are called by their numbers."""
        if wanted not in self.label_names:
            return None
        numbers = [int(number) for number in _load(self.path, wanted).reshape(-1)]
        return label_file.numbered(self.path, numbers)


def open_arrays(path: str, name: str) -> Arrays:
    """Returns the source for an array of a file, its only one of images if it has no name.

    Raises:
      UserError: there is none, or there are several to choose from.
    """
    if path.lower().endswith(".npy"):
        if name:
            raise UserError(f"--source={path}:{name}: a .npy has one array: --source={path}")
        _images(path, "")
        return Arrays(path, "")
    names = _names(path)
    if not name:
        fitting = [one for one in names if _layout(_load(path, one)) is not None]
        name = fitting[0] if len(fitting) == 1 else ""
    if name not in names:
        raise UserError(
            f"--source={path} has the arrays {', '.join(map(_described(path), names)) or 'none'}.\n"
            f"Say which has the images: --source={path}:NAME; expected {_EXPECTED}."
        )
    _images(path, name)
    return Arrays(path, name)


def _described(path: str):
    def describe(name: str) -> str:
        array = _load(path, name)
        return f"{name} ({array.dtype} {list(array.shape)})"

    return describe


def _images(path: str, name: str) -> np.ndarray:
    """The images as uint8 [images, height, width, channels], on disk."""
    array = _load(path, name)
    axes = _layout(array)
    if axes is None:
        raise UserError(
            f"--source={path}{':' + name if name else ''} is {array.dtype} {list(array.shape)}.\n"
            f"Expected {_EXPECTED}."
        )
    return array[..., None] if len(axes) == 3 else array.transpose(axes)


def _layout(array: np.ndarray) -> tuple[int, ...] | None:
    """The order of the axes in which they are images, height, width and perhaps channels."""
    shape = array.shape
    if array.dtype != np.uint8 or 0 in shape:
        return None
    if len(shape) == 3:
        return 0, 1, 2
    if len(shape) == 4 and shape[3] in _CHANNELS:
        return 0, 1, 2, 3
    if len(shape) == 4 and shape[1] in _CHANNELS:
        return 0, 2, 3, 1
    return None


def _names(path: str) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _FAULTS as error:
        raise source.unreadable(path, "arrays of numpy", error) from error
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")]


@functools.lru_cache(maxsize=16)
def _load(path: str, name: str) -> np.ndarray:
    """An array, on disk; one that is compressed, in memory. Objects, which are pickled, are not."""
    try:
        if not name:
            found = np.load(path, mmap_mode="r", allow_pickle=False)
            if not isinstance(found, np.ndarray):
                raise ValueError("it is an archive of arrays: call it .npz")
            return found
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{name}.npy")
            if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1:
                return _mapped(path, member)
            with archive.open(member) as file:
                return np.lib.format.read_array(file, allow_pickle=False)
    except _FAULTS as error:
        why = str(error).splitlines()[0].rstrip(".") if str(error) else "it does not fit in memory"
        raise source.unreadable(path, "arrays of numpy", why) from error


def _mapped(path: str, member: zipfile.ZipInfo) -> np.ndarray:
    with open(path, "rb") as file:
        file.seek(member.header_offset + 26)
        file.seek(sum(struct.unpack("<HH", file.read(4))), io.SEEK_CUR)
        version = np.lib.format.read_magic(file)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in readers:
            raise ValueError(f"version {version[0]}.{version[1]} of numpy's format is not read")
        read = readers[version]
        shape, fortran, kind = read(file)
        if kind.hasobject:
            raise ValueError("it holds pickled objects, which are not read")
        order: Literal["F", "C"] = "F" if fortran else "C"
        if 0 in shape:
            return np.empty(shape, kind)
        return np.memmap(path, kind, "r", file.tell(), shape, order)


def _open_image(images: np.ndarray, place: int) -> BinaryIO:
    return io.BytesIO(raw_pixels.as_file(images[place]))
