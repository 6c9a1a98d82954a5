"""The segments of a JPEG file, and whether its data are all there.

A decoder fills what is missing with grey and goes on: libjpeg counts a warning, which Pillow does
not hand on. So the data are given to its decoder piece by piece, up to each marker, and no further
before it is known that the piece was enough, and not too much. This costs little: a decoder that
waits for more of a picture does not take a single byte, and one that looks for a marker takes all.
What is missing of the last two blocks of a scan, 8x8 pixels each, cannot be told.

Source: ITU-T T.81, annexes B (markers), F and G (how a scan is coded).
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image, ImageFile

from dualcontrast.tools.conversion import colour
from dualcontrast.tools.conversion.rejected import Rejected

SIGNATURE = b"\xff\xd8\xff"
# A scan goes through the whole picture once. Encoders write about ten; a few hundred thousand bytes
# can hold thousands, which decode for minutes.
MOST_SCANS = 200

_EOI, _SOS, _DRI = 0xD9, 0xDA, 0xDD
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE, _ARITHMETIC = (0xC2, 0xC6), range(0xC9, 0xD0)
# Application data that decide how the picture looks: JFIF, EXIF and XMP, and Adobe's colours.
_KEPT = (0xE0, 0xE1, 0xEE)
# A colour profile, in parts: ICC.1:2022, annex B.4.
_APP2, _PROFILE = 0xE2, b"ICC_PROFILE\0"
_APPLICATION = (*range(0xE0, 0xF0), 0xFE)

_MARKER = re.compile(rb"\xff[\x01-\xfe]", re.DOTALL)
_RESTARTS = range(0xD0, 0xD8)
_FILL = b"\xff\x00"  # A byte of ones, the code of nothing.
_LOOKAHEAD = _FILL * 9  # libjpeg wants up to 8 bytes more than it needs.


class Component(NamedTuple):
    """A component's number and how densely it is sampled across and down."""

    number: int
    across: int
    down: int


@dataclass(frozen=True)
class Scan:
    """One pass through the picture.

    Attributes:
      components: numbers of those that it is about.
      first, last: coefficients.
      high, low: bits of them that were sent before, and after this scan are still to come.
      interval: MCUs from one restart marker to the next; 0 for none.
      before: everything from the last scan's data up to this one's.
      pieces: coded data, one more than there are restart markers between them.
      restarts: the numbers of those, 0 to 7.
    """

    components: tuple[int, ...]
    first: int
    last: int
    high: int
    low: int
    interval: int
    before: bytes
    pieces: tuple[bytes, ...]
    restarts: tuple[int, ...]

    @property
    def parts(self) -> Iterator[tuple[bytes, bytes]]:
        """Each piece with the marker behind it."""
        markers = (bytes([0xFF, _RESTARTS[number]]) for number in self.restarts)
        return itertools.zip_longest(self.pieces, markers, fillvalue=b"")


@dataclass
class Jpeg:
    """A file by its segments, without those that have no influence on the picture."""

    frame: int = 0
    width: int = 0
    height: int = 0
    components: list[Component] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    profile_parts: dict[int, bytes] = field(default_factory=dict)
    profile_count: int = 0

    @property
    def profile(self) -> bytes | None:
        """The colour profile; empty for one of which parts are missing, None without one."""
        if not self.profile_parts:
            return None
        if set(self.profile_parts) != set(range(1, self.profile_count + 1)):
            return colour.BROKEN
        return b"".join(self.profile_parts[number] for number in sorted(self.profile_parts))

    @property
    def whole(self) -> bytes:
        """The file again."""
        coded = (
            part for scan in self.scans for part in (scan.before, *itertools.chain(*scan.parts))
        )
        return b"".join(coded) + b"\xff\xd9"


def parse(data: bytes) -> Jpeg:
    """Returns the segments of a JPEG file up to its end marker.

    Raises:
      Rejected: it is cut short, or parts of it are missing.
    """
    jpeg, interval, kept = Jpeg(), 0, [b"\xff\xd8"]
    at = 2
    while True:
        marker, at = _marker(data, at)
        if marker == _EOI:
            break
        if 0xD0 <= marker <= 0xD8 or marker == 0x01:  # They stand alone, and here mean nothing.
            continue
        end = at + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or end < at + 2:
            raise Rejected("is cut short inside its header")
        content = data[at + 2 : end]
        if marker in _FRAMES:
            _read_frame(jpeg, marker, content)
        elif marker == _DRI:
            interval = int.from_bytes(content[:2], "big")
        elif marker == _APP2 and content.startswith(_PROFILE) and len(content) >= len(_PROFILE) + 2:
            number, jpeg.profile_count = content[len(_PROFILE) : len(_PROFILE) + 2]
            jpeg.profile_parts[number] = content[len(_PROFILE) + 2 :]
        if marker in _KEPT or marker not in _APPLICATION:
            kept.append(bytes([0xFF, marker]) + data[at:end])
        at = end
        if marker == _SOS:
            at, pieces, restarts = _coded(data, at)
            jpeg.scans.append(_scan(content, interval, b"".join(kept), pieces, restarts))
            kept = []
            if len(jpeg.scans) > MOST_SCANS:
                raise Rejected(
                    f"has more than {MOST_SCANS} scans: it was made to keep decoders busy"
                )
    _check(jpeg)
    return jpeg


def load(image: ImageFile.ImageFile, jpeg: Jpeg) -> None:
    """Decodes an image that Pillow opened from `jpeg.whole`.

    Raises:
      Rejected: a scan holds less or more than the picture needs.
      OSError: it cannot be decoded.
    """
    if jpeg.frame in _ARITHMETIC:  # libjpeg cannot wait in the middle of those.
        image.load()
        return
    image.load_prepare()
    codec, extents, _, arguments = image.tile[0]
    decoder = Image._getdecoder(image.mode, codec, arguments, image.decoderconfig)
    try:
        decoder.setimage(image.im, extents)
        _feed(_Decoder(decoder), jpeg)
    finally:
        decoder.cleanup()
    image.tile = []


class _Decoder:
    """Pillow's decoder, and the bytes that it has not taken yet."""

    def __init__(self, decoder):
        self._decoder = decoder
        self._rest = b""
        self.is_done = False

    def give(self, data: bytes) -> bool:
        """Hands on more data, and says whether all there is was taken."""
        if not self.is_done:
            self._rest += data
            count, status = self._decoder.decode(self._rest)
            if status < 0:
                raise OSError(f"the decoder gives up (error {-status})")
            self.is_done = count < 0
            self._rest = self._rest[max(count, 0) :]
        return self.is_done or not self._rest

    def has_enough(self, data: bytes, more: bytes) -> bool:
        """Gives it both, and says whether it is through with the scan, or all, after `data`.

        To look for a marker it takes every byte. To go on with the picture it wants more bits than
        `more` has, whatever it has taken before.
        """
        took_all = self.give(data)
        return self.give(more) and took_all


def _feed(decoder: _Decoder, jpeg: Jpeg) -> None:
    for number, scan in enumerate(jpeg.scans, 1):
        head = scan.before
        for piece, restart in scan.parts:
            cut = _quiet_place(piece)
            if cut and decoder.has_enough(head + piece[:cut], piece[cut : cut + 1]):
                raise Rejected(f"is damaged: its scan {number} holds more than a picture")
            rest = piece[cut + 1 :] if cut else head + piece
            if not decoder.has_enough(rest + _LOOKAHEAD, _FILL):
                raise Rejected(f"is damaged: a part of its scan {number} is missing")
            head = restart
    decoder.give(b"\xff\xd9")
    if not decoder.is_done:
        raise Rejected("is cut short: a part of its picture is missing")


def _coded(data: bytes, start: int) -> tuple[int, tuple[bytes, ...], tuple[int, ...]]:
    """Where a scan that starts at `start` ends, its pieces, and the restart markers between."""
    pieces: list[bytes] = []
    restarts: list[int] = []
    for found in _MARKER.finditer(data, start):
        pieces.append(data[start : found.start()].rstrip(b"\xff"))
        start = found.end()
        if data[start - 1] not in _RESTARTS:
            return found.start(), tuple(pieces), tuple(restarts)
        restarts.append(data[start - 1] & 7)
    raise Rejected("is cut short: it has no end marker")


def _quiet_place(piece: bytes) -> int:
    """A place shortly before the end of some data where no byte of ones is; 0 for none."""
    for place in range(len(piece) - 16, max(0, len(piece) - 32), -1):
        if piece[place] != 0xFF and piece[place - 1] != 0xFF:
            return place
    return 0


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The next marker and the place behind it."""
    at = data.find(b"\xff", at)
    while 0 <= at < len(data) and data[at] == 0xFF:
        at += 1
    if not 0 <= at < len(data):
        raise Rejected("is cut short: it has no end marker")
    return data[at], at + 1


def _read_frame(jpeg: Jpeg, marker: int, content: bytes) -> None:
    if len(content) < 6 or len(content) < 6 + 3 * content[5]:
        raise Rejected("is damaged: its frame header is cut")
    if jpeg.frame:
        raise Rejected("is damaged: it has two frames")
    jpeg.frame = marker
    jpeg.height = int.from_bytes(content[1:3], "big")
    jpeg.width = int.from_bytes(content[3:5], "big")
    for at in range(6, 6 + 3 * content[5], 3):
        number, sampling = content[at], content[at + 1]
        jpeg.components.append(Component(number, max(1, sampling >> 4), max(1, sampling & 15)))


def _scan(
    content: bytes,
    interval: int,
    before: bytes,
    pieces: tuple[bytes, ...],
    restarts: tuple[int, ...],
) -> Scan:
    count = content[0] if content else 0
    if len(content) < 4 + 2 * count:
        raise Rejected("is damaged: a scan's header is cut")
    numbers = tuple(content[1 : 1 + 2 * count : 2])
    first, last, bits = content[1 + 2 * count : 4 + 2 * count]
    return Scan(numbers, first, last, bits >> 4, bits & 15, interval, before, pieces, restarts)


def _check(jpeg: Jpeg) -> None:
    if not jpeg.scans or not jpeg.frame:
        raise Rejected("is cut short: it has no picture")
    known = {component.number for component in jpeg.components}
    # Of every component and coefficient: the bits that are still to come. 16: nothing was sent.
    missing = {number: [16] * 64 for number in known}
    for index, scan in enumerate(jpeg.scans, 1):
        if not set(scan.components) <= known:
            raise Rejected(f"is damaged: its scan {index} is about a component that it lacks")
        last = scan.last if jpeg.frame in _PROGRESSIVE else 63
        low = scan.low if jpeg.frame in _PROGRESSIVE else 0
        for number in scan.components:
            for coefficient in range(scan.first, min(last, 63) + 1):
                missing[number][coefficient] = low
        _check_restarts(jpeg, scan, index)
    if jpeg.frame not in _ARITHMETIC and any(any(bits) for bits in missing.values()):
        raise Rejected("is cut short: its last scans are missing")


def _check_restarts(jpeg: Jpeg, scan: Scan, index: int) -> None:
    found = list(scan.restarts)
    expected = -(-_mcus(jpeg, scan) // scan.interval) - 1 if scan.interval else 0
    # One more, behind everything, does no harm.
    if found != [number % 8 for number in range(len(found))] or len(found) - expected not in (0, 1):
        raise Rejected(f"is damaged: parts of its scan {index} are missing or out of order")


def _mcus(jpeg: Jpeg, scan: Scan) -> int:
    """The smallest units of a scan: blocks of one component, or groups of blocks of several."""
    across = max(component.across for component in jpeg.components)
    down = max(component.down for component in jpeg.components)
    if len(scan.components) > 1:
        return -(-jpeg.width // (8 * across)) * -(-jpeg.height // (8 * down))
    (own,) = (part for part in jpeg.components if part.number == scan.components[0])
    width = -(-jpeg.width * own.across // across)
    height = -(-jpeg.height * own.down // down)
    return -(-width // 8) * -(-height // 8)
