"""Files of named arrays: safetensors, and NumPy's .npz without pickles.

Their arrays have the names and the layout of `layout`: `G.`, `D.` or `G_ema.` and the name that
stylegan2-ada-pytorch's state_dict has. What no array says, such as bounds of activations, stands in
the text `dualcontrast`, JSON: in the metadata of safetensors, and as an array of that name in .npz.
"""

import io
import json
import lzma
import math
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format

from dualcontrast.tools.interchange import layout, pickled_arrays, published
from dualcontrast.tools.interchange.pickle_machine import is_plain, shown
from dualcontrast.trainer.errors import UserError

TEXT = "dualcontrast"
# What the text may say, with StyleGAN2-ADA's values where a file has none.
DEFAULTS: dict[str, Any] = {
    "generator.mapping_learning_rate_multiplier": 0.01,
    "generator.w_mean_decay": 0.995,
    "generator.conv_clamp": None,
    "discriminator.conv_clamp": None,
    "discriminator.label_learning_rate_multiplier": 0.01,
    "discriminator.minibatch_stddev_group": 4,
}
_CLASSES = "classes"
_NAME = re.compile(r"[\w.]{1,100}", re.ASCII)
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_DAMAGED_ZIP = (
    *(OSError, EOFError, RuntimeError, zipfile.BadZipFile),
    *(zlib.error, lzma.LZMAError, struct.error),
)
_MOST_HEADER = 100_000_000  # the format's own limit
# Of deflate: weights become hardly shorter, and a small file must not ask for much memory.
MOST_EXPANSION = 10


def write_safetensors(found: published.Published) -> bytes:
    """Returns the content of a file of these networks."""
    arrays = {
        f"{network}.{name}": np.ascontiguousarray(array, "<f4").reshape(array.shape)
        for network, of in found.arrays.items()
        for name, array in of.items()
    }
    text = json.dumps({name: found.settings[name] for name in DEFAULTS} | _named(found.classes))
    header: dict[str, Any] = {"__metadata__": {TEXT: text, "format": "pt"}}
    end = 0
    for name in sorted(arrays):
        begin, end = end, end + arrays[name].nbytes
        shape: list[int] = list(arrays[name].shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    values = [arrays[name].tobytes() for name in sorted(arrays)]
    return b"".join([struct.pack("<Q", len(encoded)), encoded, *values])


def _named(classes: tuple[str, ...]) -> dict[str, Any]:
    return {_CLASSES: list(classes)} if classes else {}


def read_safetensors(content: bytes) -> published.Published:
    """Returns the networks in a file's content.

    Raises:
      UserError: it is no such file, is cut, or holds something else.
    """
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= size <= min(_MOST_HEADER, len(content) - 8):
        raise UserError("it is no safetensors file, or its end is missing")
    header = _object(content[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    text = metadata.get(TEXT) if isinstance(metadata, dict) else None
    body = memoryview(content)[8 + size :]
    return _networks({name: _tensor(name, entry, body) for name, entry in header.items()}, text)


def _object(text: bytes | str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("its header is no JSON") from error
    if not isinstance(found, dict):
        raise UserError("its header is no JSON object")
    return found


def _tensor(name: str, entry: Any, body: memoryview) -> np.ndarray:
    try:
        kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
        if kind not in _TYPES or any(type(n) is not int or n < 0 for n in numbers):
            raise ValueError("no numbers of this kind are read")
        dtype = np.dtype(_TYPES[kind])
        if end - begin != math.prod(shape) * dtype.itemsize or end > len(body):
            raise ValueError("its values are cut")
        values = np.frombuffer(body[begin:end], dtype).reshape(shape)
    except (TypeError, KeyError, ValueError) as error:
        reason = str(error)[:60]
        raise UserError(f"its array {name[:80]} cannot be read ({reason})") from error
    return pickled_arrays.from_bfloat16(values) if kind == "BF16" else values


def read_npz(content: bytes) -> published.Published:
    """Returns the networks in a file's content.

    Raises:
      UserError: it is no such file, is cut, or holds something else.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        packed = archive.infolist()
        if sum(entry.file_size for entry in packed) > MOST_EXPANSION * len(content):
            raise UserError(f"it unpacks to more than {MOST_EXPANSION} times its size")
        arrays = {
            entry.filename.removesuffix(".npy"): _npy(archive.read(entry)) for entry in packed
        }
    except (ValueError, KeyError, SyntaxError, tokenize.TokenError, *_DAMAGED_ZIP) as error:
        if isinstance(error, UserError):
            raise
        reason = str(error).partition("\n")[0][:120]
        raise UserError(
            f"it is no .npz file of numbers, or a part is missing ({reason})"
        ) from error
    text = arrays.pop(TEXT, None)
    if text is not None and (text.dtype.kind != "U" or text.ndim):
        raise UserError(f"its array {TEXT} is no text")
    numbers = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
    for name in arrays.keys() - numbers.keys():
        raise UserError(f"its array {name[:80]} holds something else than numbers")
    return _networks(numbers, None if text is None else str(text))


def _npy(content: bytes) -> np.ndarray:
    """Returns NumPy's array in a file's content; one that says to be larger is never allocated.

    Raises:
      ValueError: it is no such file, is cut, or would have to be unpickled.
    """
    file = io.BytesIO(content)
    headers = {(1, 0): format.read_array_header_1_0, (2, 0): format.read_array_header_2_0}
    version = format.read_magic(file)
    if version not in headers:
        raise ValueError("an array of another version")
    shape, is_fortran, dtype = headers[version](file)
    body = memoryview(content)[file.tell() :]
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError("an array of something else than numbers")
    if math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError("an array whose values are cut")
    return np.ndarray(shape, dtype, body, order="F" if is_fortran else "C")


def _networks(arrays: Mapping[str, np.ndarray], text: Any) -> published.Published:
    """Returns the networks of arrays by their whole names, and of what the text says."""
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in layout.NETWORKS.values()}
    for name, array in arrays.items():
        network, _, inner = name.partition(".")
        if network not in found or not inner or not _NAME.fullmatch(name):
            raise UserError(
                f"its array {name[:80]} is of no network: expected names such as"
                " G_ema.mapping.fc0.weight (docs/import.md)"
            )
        found[network][inner] = array
    for network, of in found.items():
        if not of:
            raise UserError(f"it has no arrays of {network}: a run needs G, D and G_ema")
    said = _object(text) if isinstance(text, str) else {}
    classes = said.pop(_CLASSES, [])
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise UserError(f"its text {TEXT} has classes that are no list of names")
    for name in said.keys() - DEFAULTS.keys():
        raise UserError(f"its text {TEXT} has {name[:80]}, expected some of {', '.join(DEFAULTS)}")
    for name, value in said.items():
        if not is_plain(value) or isinstance(value, (str, list)):
            raise UserError(f"its text {TEXT} has {name}={shown(value)}, expected a number or null")
    assumed = {name: value for name, value in DEFAULTS.items() if name not in said}
    told = ", ".join(f"{name}={str(value).lower()}" for name, value in assumed.items())
    notes = (f"the file does not say, and StyleGAN2-ADA's are assumed: {told}",) if told else ()
    settings = published.sizes(found) | DEFAULTS | said
    known = settings.get("data.classes", 0)
    if classes and len(classes) != known:
        raise UserError(
            f"its text {TEXT} names {len(classes)} classes, and its networks know {known or 'none'}"
        )
    return published.Published(settings, found, notes, tuple(classes))
