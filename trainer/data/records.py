"""Reading and writing TFRecord files without TensorFlow.

The converter's workers start in a tenth of a second because of it, and a damaged file can be
described by record and byte offset, which TensorFlow's reader cannot do.

A file is a sequence of frames: length (8 bytes, little endian), masked CRC-32C of those bytes
(4 bytes), payload, masked CRC-32C of the payload (4 bytes). A payload here is a serialised
`tf.train.Example` with these features of one value each:

  image: bytes, the encoded picture, PNG or JPEG as the manifest says
  name:  bytes, where the picture came from, a path in UTF-8, for people only
  label: int64, the number of its class, from 0; where the manifest has classes
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


class DamagedRecord(Exception):
    """A record that cannot be trusted, at `index` (from 0) and `offset` (bytes) in its file."""

    def __init__(self, index: int, offset: int, what: str):
        super().__init__(f"record {index} (byte {offset}): {what}")
        self.index, self.offset, self.what = index, offset, what


@dataclass(frozen=True)
class Record:
    """One payload and where it lies in its file."""

    index: int
    offset: int
    payload: bytes


def frame(payload: bytes) -> bytes:
    """Returns `payload` as it stands in a TFRecord file, with its length and checksums."""
    length = struct.pack("<Q", len(payload))
    return b"".join(
        (length, _FOOTER.pack(_masked_crc(length)), payload, _FOOTER.pack(_masked_crc(payload)))
    )


def read(path: Path) -> Iterator[Record]:
    """Yields the records of a file.

    Raises:
      DamagedRecord: at the first record that is cut short or fails its checksum.
    """
    with path.open("rb") as file:
        index = offset = 0
        while header := file.read(_HEADER.size):
            payload = _read_payload(file, header, path.stat().st_size - offset, index, offset)
            yield Record(index, offset, payload)
            index, offset = index + 1, file.tell()


@dataclass(frozen=True)
class Frame:
    """Where a record lies in its file: its number, its first byte, the bytes of its payload."""

    index: int
    offset: int
    length: int


def frames(path: Path) -> Iterator[Frame]:
    """Yields where the records of a file lie, without reading their payloads.

    Raises:
      DamagedRecord: at the first record that is cut short, or whose length fails its checksum.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        index = offset = 0
        while header := file.read(_HEADER.size):
            length = _read_length(header, size - offset, index, offset)
            yield Frame(index, offset, length)
            index, offset = index + 1, offset + _HEADER.size + length + _FOOTER.size
            file.seek(offset)


def read_at(file: BinaryIO, frame: Frame) -> Record:
    """Returns the record of a frame.

    Raises:
      DamagedRecord: it is no longer what it was, or fails its checksum.
    """
    file.seek(frame.offset)
    left = _HEADER.size + frame.length + _FOOTER.size
    header = file.read(_HEADER.size)
    payload = _read_payload(file, header, left, frame.index, frame.offset)
    return Record(frame.index, frame.offset, payload)


def _read_payload(file, header: bytes, left: int, index: int, offset: int) -> bytes:
    length = _read_length(header, left, index, offset)
    payload = file.read(length)
    footer = file.read(_FOOTER.size)
    if len(footer) < _FOOTER.size:
        raise DamagedRecord(index, offset, "the file ends inside it")
    if _FOOTER.unpack(footer)[0] != _masked_crc(payload):
        raise DamagedRecord(index, offset, "its payload fails its checksum")
    return payload


def _read_length(header: bytes, left: int, index: int, offset: int) -> int:
    if len(header) < _HEADER.size:
        raise DamagedRecord(index, offset, "the file ends inside its header")
    length, crc = _HEADER.unpack(header)
    if crc != _masked_crc(header[:8]):
        raise DamagedRecord(index, offset, "its length fails its checksum")
    if length + _HEADER.size + _FOOTER.size > left:
        raise DamagedRecord(index, offset, "the file ends inside it")
    return length


def _masked_crc(data: bytes) -> int:
    # TensorFlow's mask (lib/hash/crc32c.h): rotate right by 15 bits and add a constant, so that
    # the checksum of data that holds checksums is still a good checksum.
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def encode_example(image: bytes, name: bytes, label: int | None = None) -> bytes:
    """Returns a serialised `tf.train.Example` of the features, always the same bytes."""
    features = _feature(b"image", _field(1, _field(1, image)))
    features += _feature(b"name", _field(1, _field(1, name)))
    if label is not None:
        features += _feature(b"label", _field(3, _field(1, _varint(label))))
    return _field(1, features)


def decode_example(payload: bytes) -> dict[str, bytes]:
    """Returns the bytes features of a serialised `tf.train.Example`; see `label_of` for the other.

    Raises:
      ValueError: it is no such message, or a feature is not one value.
    """
    return {name: value for name, (kind, value) in _features(payload).items() if kind == 1}


def decode_features(payload: bytes) -> dict[str, bytes | tuple[int, ...]]:
    """Returns the features of any serialised `tf.train.Example`: one of bytes each, or numbers.

    Raises:
      ValueError: it is no such message, or a feature is of another kind.
    """
    found: dict[str, bytes | tuple[int, ...]] = {}
    for name, (kind, value) in _features(payload).items():
        if kind not in (1, 3):
            raise ValueError("a feature of decimals")
        found[name] = value if kind == 1 else tuple(_read_varints(value))
    return found


def label_of(payload: bytes) -> int | None:
    """Returns the label of a serialised `tf.train.Example`, None where it has none.

    Raises:
      ValueError: it is no such message, or the label is not one number from 0.
    """
    kind, value = _features(payload).get("label", (3, b""))
    if kind != 3:
        raise ValueError("a label that is no number")
    if not value:
        return None
    label, end = _read_varint(value, 0)
    if end != len(value):
        raise ValueError("a label of several numbers")
    return label


def _features(payload: bytes) -> dict[str, tuple[int, bytes]]:
    """The features by name: 1 and bytes, 2 and decimals, or 3 and packed numbers."""
    features = {}
    for entry in _fields(_only(payload)):
        key, value = _fields(entry)
        ((kind, values),) = _numbered_fields(value)
        features[key.decode("utf-8")] = kind, _only(values)
    return features


def _feature(key: bytes, value: bytes) -> bytes:
    return _field(1, _field(1, key) + _field(2, value))


def _field(number: int, value: bytes) -> bytes:
    """A length-delimited protocol buffer field (wire type 2)."""
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _only(message: bytes) -> bytes:
    (value,) = _fields(message)
    return value


def _fields(message: bytes) -> list[bytes]:
    """The values of the length-delimited fields of a message, in order."""
    return [value for _, value in _numbered_fields(message)]


def _numbered_fields(message: bytes) -> list[tuple[int, bytes]]:
    """The numbers and values of the length-delimited fields of a message, in order."""
    values, at = [], 0
    while at < len(message):
        if message[at] & 7 != 2:
            raise ValueError("a field that is not length-delimited")
        number = message[at] >> 3
        length, at = _read_varint(message, at + 1)
        if at + length > len(message):
            raise ValueError("a field that is longer than its message")
        values.append((number, message[at : at + length]))
        at += length
    return values


def _read_varints(message: bytes) -> Iterator[int]:
    at = 0
    while at < len(message):
        value, at = _read_varint(message, at)
        yield value


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64 and at < len(message):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number that does not end")
