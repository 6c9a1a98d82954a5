"""The arrays of NumPy and the tensors of PyTorch that a pickle holds, read without PyTorch."""

import io
import math
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from dualcontrast.tools.interchange.pickle_machine import Machine, Object, Refused, shown

_PLAIN = re.compile(r"[fiub][1248]")
# PyTorch's storages by their names, with the bytes that NumPy has no type for as whole numbers.
_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}
_BFLOAT16 = "BFloat16Storage"
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
# Sides, strides and offsets are multiplied, which takes long where they are of any size.
_MOST_NUMBERS = 2**48


class Dtype(Object):
    """NumPy's dtype of numbers; its state has the order of the bytes."""

    def __init__(self, name: str, align: Any = False, copy: Any = True):
        if not isinstance(name, str) or not _PLAIN.fullmatch(name):
            raise Refused(f"it has an array of {shown(name)}, expected numbers")
        self.value = np.dtype(name)

    def set_state(self, state: Any) -> None:
        """Takes (version, order of bytes, ...)."""
        if not isinstance(state, tuple) or len(state) < 3 or state[1] not in ("<", ">", "|", "="):
            raise Refused("it has an array of another form")
        if any(part is not None for part in state[2:5]):
            raise Refused("it has an array of structures, expected numbers")
        self.value = self.value.newbyteorder(state[1])


class Array(Object):
    """An array; NumPy's has its values in its state."""

    def __init__(self, value: np.ndarray | None = None):
        self.value = value

    def set_state(self, state: Any) -> None:
        """Takes (version, shape, dtype, whether the first index is the fastest, bytes)."""
        _, shape, dtype, is_fortran, content = state
        if self.value is not None:
            raise Refused("it gives an array its values twice")
        self.value = _array(content, dtype, shape, "F" if is_fortran else "C")


class Storage(Object):
    """The numbers that tensors of PyTorch are views of, flat."""

    def __init__(self, values: np.ndarray):
        self.values = values


def value_of(found: Any, what: str) -> np.ndarray:
    """Returns the array that a pickle holds under a name."""
    if not isinstance(found, Array) or found.value is None:
        raise Refused(f"{what} is no array")
    return found.value


def _array(content: Any, dtype: Any, shape: Any, order: Literal["C", "F"] = "C") -> np.ndarray:
    if isinstance(content, str):
        content = content.encode("latin-1")  # the bytes of Python 2
    if not isinstance(dtype, Dtype) or not isinstance(content, (bytes, bytearray)):
        raise Refused("it has an array of something else than numbers")
    shape = _sizes(shape)
    if math.prod(shape) * dtype.value.itemsize != len(content):
        raise Refused(f"it has an array of {list(shape)} with {len(content)} bytes")
    return np.frombuffer(content, dtype.value).reshape(shape, order=order)


def _sizes(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or len(shape) > 8:
        raise Refused("it has an array without a shape")
    for side in shape:
        if type(side) is not int or not 0 <= side <= _MOST_NUMBERS:
            raise Refused(f"it has an array with a side of {shown(side)}")
    return tuple(shape)


def _reconstruct(kind: Any, shape: Any, code: Any) -> Array:
    return Array()


def _scalar(dtype: Any, content: Any) -> Any:
    return _array(content, dtype, ()).item()


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any = "C", axes: Any = None) -> Array:
    """Returns an array as NumPy's newest form has it: with "K", its axes are given in an order."""
    values = _array(content, dtype, shape, "F" if order == "F" else "C")
    return Array(values if axes is None or order != "K" else values.transpose(_sizes(axes)))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Array:
    """Returns a tensor; gradients and hooks are no concern of ours."""
    if not isinstance(storage, Storage):
        raise Refused("it has a tensor without a storage")
    shape, steps = _sizes(size), _sizes(stride)
    if type(offset) is not int or not 0 <= offset <= _MOST_NUMBERS or len(shape) != len(steps):
        raise Refused("it has a tensor of another form")
    count = math.prod(shape)
    last = offset + sum((side - 1) * step for side, step in zip(shape, steps))
    held = storage.values.size
    # What repeats numbers could be of any size, and what lies outside is somebody else's memory.
    if count and (last >= held or count > held):
        raise Refused(f"it has a tensor of {list(shape)} in a storage of {held} numbers")
    if not count:
        return Array(np.zeros(shape, storage.values.dtype))
    itemsize = storage.values.itemsize
    # No copy: there may be any number of tensors in a storage.
    return Array(
        np.lib.stride_tricks.as_strided(
            storage.values[offset:], shape, [step * itemsize for step in steps], writeable=False
        )
    )


def _never(*_: Any) -> Any:
    """Stands for the class of arrays, which is an argument and never called."""
    raise Refused("it makes an array without a form")


def _parameter(data: Any, *_: Any) -> Array:
    if not isinstance(data, Array):
        raise Refused("it has a parameter without a tensor")
    return data


def _bytes_of_text(text: Any, encoding: Any) -> bytes:
    """Returns bytes as older pickles write them."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("it has bytes in another form")
    return text.encode("latin-1")


def _storage_of_bytes(content: Any) -> Storage:
    """Returns the storage in the bytes that torch.save wrote of one."""
    if not isinstance(content, (bytes, bytearray)):
        raise Refused("it has a storage without bytes")
    found = read_torch(bytes(content))
    if not isinstance(found, Storage):
        raise Refused("it has a storage of something else")
    return found


def read_torch(content: bytes, names: dict[str, Callable] | None = None) -> Any:
    """Returns what torch.save wrote, in its older form or as a ZIP archive.

    Args:
      content: of the file.
      names: what may stand in it besides storages.

    Raises:
      Refused: it is something else.
    """
    known = {f"torch.{name}": _Kind(name) for name in _STORAGES} | (names or {})
    if content.startswith(b"PK"):
        return _read_archive(content, known)
    return _read_legacy(io.BytesIO(content), known)


class _Kind(Object):
    """The name of a kind of storage, which is never called."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, *_: Any) -> Any:
        raise Refused(f"it calls torch.{self.name}")


def _kind_of(found: Any) -> _Kind:
    kind = getattr(found, "make", None)
    if not isinstance(kind, _Kind):
        raise Refused("it has a storage of another kind")
    return kind


def _read_archive(content: bytes, names: dict[str, Callable]) -> Any:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(pickles) != 1:
            raise Refused("it is an archive without one data.pkl")
        # Stored and not compressed, as PyTorch does: then no file is larger than it looks.
        packed = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in packed):
            raise Refused("it is an archive with compressed parts")
        if sum(entry.file_size for entry in packed) > len(content):
            raise Refused("it is an archive with parts inside each other")
        folder = pickles[0].removesuffix("data.pkl")
        known: dict[str, tuple[str, int, Storage]] = {}

        def storage(found: Any) -> Storage:
            kind, key, count = _storage_id(found)
            if key not in known:
                numbers = archive.read(f"{folder}data/{key}")
                known[key] = kind.name, count, Storage(_numbers(numbers, kind, count))
            *asked, made = known[key]
            if asked != [kind.name, count]:
                raise Refused("it has a storage of two kinds")
            return made

        return Machine(names, storage).read(io.BytesIO(archive.read(pickles[0])))
    except (zipfile.BadZipFile, KeyError, RuntimeError, EOFError, struct.error) as error:
        reason = shown(str(error))
        raise Refused(f"a part of its archive is missing or damaged ({reason})") from error


def _read_legacy(file: io.BytesIO, names: dict[str, Callable]) -> Any:
    plain = [Machine({}).read(file) for _ in range(3)]
    if plain[:2] != [_LEGACY_MAGIC, _LEGACY_PROTOCOL]:
        raise Refused("it has a storage of another version of PyTorch")
    found: dict[str, tuple[_Kind, int, Storage]] = {}

    def storage(identity: Any) -> Storage:
        kind, key, count = _storage_id(identity)
        # Its numbers follow behind the pickle.
        return found.setdefault(key, (kind, count, Storage(np.zeros(0))))[2]

    content = Machine(names, storage).read(file)
    keys = Machine({}).read(file)
    named = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not named or sorted(keys) != sorted(found):
        raise Refused("it lacks storages, or has some that nothing uses")
    for key in keys:
        kind, count, made = found[key]
        if int.from_bytes(file.read(8), "little") != count:
            raise Refused("it has a storage of another length")
        size = np.dtype(_STORAGES[kind.name]).itemsize * count
        made.values = _numbers(file.read(size), kind, count)
    return content


def _storage_id(found: Any) -> tuple[_Kind, str, int]:
    """Returns the kind, the key and the length of the storage that a persistent id stands for."""
    if not isinstance(found, tuple) or len(found) < 5 or found[0] != "storage":
        raise Refused("it has a persistent id of something else than a storage")
    _, kind, key, _, count, *view = found
    if not isinstance(key, str) or type(count) is not int or any(view):
        raise Refused("it has a storage of another form")
    if not 0 <= count <= _MOST_NUMBERS:
        raise Refused(f"it has a storage of {shown(count)} numbers")
    return _kind_of(kind), key, count


def _numbers(content: bytes, kind: _Kind, count: int) -> np.ndarray:
    dtype = np.dtype(_STORAGES[kind.name])
    if len(content) != dtype.itemsize * count:
        raise Refused("it has a storage that is cut")
    values = np.frombuffer(content, dtype)
    return from_bfloat16(values) if kind.name == _BFLOAT16 else values


def from_bfloat16(values: np.ndarray) -> np.ndarray:
    """Returns float32 of bfloat16's bits, which are its upper half."""
    return (values.astype("<u4") << 16).view("<f4")


NAMES: dict[str, Callable] = {
    "_codecs.encode": _bytes_of_text,
    "numpy.dtype": Dtype,
    "numpy.ndarray": _never,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.storage._load_from_bytes": _storage_of_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    NAMES |= {
        f"{_core}.multiarray._reconstruct": _reconstruct,
        f"{_core}.multiarray.scalar": _scalar,
        f"{_core}.numeric._frombuffer": _from_buffer,
    }
