"""The chunks of a PNG file: each checked, and those kept that decide how the picture looks.

Pillow does not compare the checksums of the pixels' chunks, and refuses a picture for the length of
a text about it. So it is given a file without either: sound, and with nothing beside the picture.

Source: Portable Network Graphics Specification (Third Edition), sections 5 and 11.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from dualcontrast.tools.conversion import colour
from dualcontrast.tools.conversion.rejected import Rejected

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # Colour types.

_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
# Where an orientation may stand: EXIF, what ImageMagick makes of it, and XMP.
_ABOUT = (b"eXIf",)
_TEXTS = (b"Raw profile type exif\0", b"Raw profile type APP1\0", b"XML:com.adobe.xmp\0")
_MOST_TEXT = 1 << 16  # Bytes. Longer ones hold more than an orientation, such as a preview.


class Chunk(NamedTuple):
    """A chunk's kind of four letters, the place of its data, and their bytes."""

    kind: bytes
    start: int
    length: int


@dataclass(frozen=True)
class Png:
    """What decides the picture.

    Attributes:
      depth: bits of a sample, or of an index into the palette.
      colour_type: one of the numbers above.
      transparency: the data of tRNS: a colour, or the alpha of the palette; None without one.
      profile: the colour profile; empty for one that cannot be unpacked, None without one.
      plain: the file without what is not needed, and without a colour that is transparent.
      oriented: the same with what may say how it lies.
    """

    depth: int
    colour_type: int
    transparency: bytes | None
    profile: bytes | None
    plain: bytes
    oriented: bytes


def parse(data: bytes) -> Png:
    """Returns the parts of a whole PNG file.

    Raises:
      Rejected: it is cut short, a chunk fails its checksum, or one is of an unknown kind without
        which the picture cannot be understood.
    """
    kept, about, transparency, profile = [], [], None, None
    depth = colour_type = 0
    for chunk in _chunks(io.BytesIO(data), len(data)):
        whole = data[chunk.start - 8 : chunk.start + chunk.length + 4]
        content = whole[8:-4]
        _check(chunk, whole)
        if chunk.kind == b"IHDR":
            _, _, depth, colour_type = struct.unpack_from(">IIBB", content)
        if chunk.kind == b"tRNS":
            transparency = content
        if chunk.kind == b"iCCP":
            profile = _profile(content)
        if chunk.kind in _CRITICAL or (chunk.kind == b"tRNS" and colour_type == PALETTE):
            kept.append(whole)
        elif _may_orient(chunk, content):
            about.append(whole)
    header, *rest = kept
    plain = b"".join([SIGNATURE, header, *rest])
    oriented = b"".join([SIGNATURE, header, *about, *rest]) if about else plain
    return Png(depth, colour_type, transparency, profile, plain, oriented)


def header(file: BinaryIO, *, with_orientation: bool) -> bytes:
    """Returns a PNG file of the size, and perhaps orientation, of another one, without its pixels.

    Args:
      file: at its start; only what is needed is read.
      with_orientation: whether what may say how it lies is kept.

    Raises:
      Rejected: it is cut short.
    """
    size = file.seek(0, io.SEEK_END)
    parts = [SIGNATURE]
    for chunk in _chunks(file, size):
        may_orient = (
            with_orientation
            and chunk.length <= _MOST_TEXT
            and chunk.kind
            in (
                *_ABOUT,
                b"iTXt",
                b"zTXt",
                b"tEXt",
            )
        )
        if chunk.kind == b"IHDR" or may_orient:
            file.seek(chunk.start - 8)
            whole = file.read(chunk.length + 12)
            if chunk.kind == b"IHDR" or _may_orient(chunk, whole[8:-4]):
                parts.append(whole)
    empty = struct.pack(">I", 0)
    ends = [empty + kind + struct.pack(">I", zlib.crc32(kind)) for kind in (b"IDAT", b"IEND")]
    return b"".join([*parts, *ends])


def _chunks(file: BinaryIO, size: int) -> Iterator[Chunk]:
    """The chunks up to the last one, IEND; what comes behind it is no part of the picture."""
    start, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            raise Rejected("is cut short: it ends before its last chunk")
        length, kind = struct.unpack(">I4s", head)
        if start + 12 + length > size:
            raise Rejected(f"is cut short inside its chunk {_name(kind)}")
        if (kind == b"IHDR") != (start == len(SIGNATURE)) or (kind == b"IHDR" and length != 13):
            raise Rejected("is damaged: it does not begin with one header")
        yield Chunk(kind, start + 8, length)
        start += 12 + length


def _check(chunk: Chunk, whole: bytes) -> None:
    if zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:], "big"):
        raise Rejected(f"is damaged: its chunk {_name(chunk.kind)} fails its checksum")
    if not chunk.kind[0] & 0x20 and chunk.kind not in _CRITICAL:
        raise Rejected(f"has a chunk {_name(chunk.kind)}, which is not part of PNG")


def _profile(content: bytes) -> bytes:
    """The profile in iCCP: a name, a zero, the method 0, and compressed data (11.3.2.3)."""
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(content.partition(b"\0")[2][1:], colour.MOST_BYTES)
    except zlib.error:
        return colour.BROKEN
    return profile if unpacking.eof else colour.BROKEN


def _may_orient(chunk: Chunk, content: bytes) -> bool:
    is_short = chunk.length <= _MOST_TEXT
    return is_short and (chunk.kind in _ABOUT or content.startswith(_TEXTS))


def _name(kind: bytes) -> str:
    return kind.decode("ascii", "replace") if kind.isalpha() else repr(kind)[1:]
