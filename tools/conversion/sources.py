"""Where images come from: a folder, a zip, TensorFlow Datasets, or the renderer.

A source lists what it has (in the parent) and opens what is asked for (in a worker, to which it
travels by pickle). Nothing is ever unpacked to disk, and a name in an archive is only a name.
"""

import functools
import hashlib
import io
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer.errors import UserError

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
MAX_BYTES = 256 << 20  # Of one image file. A larger one is no picture, or was made to fill memory.

_SHOWN = 5  # Kinds of other files that are named in a line.

Opener = Callable[[], BinaryIO]


# Beside a file "x" that macOS copies to another file system lies "._x" with what it knows of it.
_APPLE_DOUBLE = "._"


@dataclass(frozen=True)
class Entry:
    """An image of a source: its name for people, its place in the source, its bytes, its class."""

    name: str
    place: int
    bytes: int
    label: int | None = None


class Other(NamedTuple):
    """Something of a source that is not looked at: its name, and of what kind it is."""

    name: str
    kind: str


@dataclass(frozen=True)
class Listing:
    """All that a source has.

    Attributes:
      entries: its images, in an order that is always the same. A folder that cannot be read is one,
        with a / behind its name: it may hold some.
      others: the rest, by name.
    """

    entries: list[Entry]
    others: list[Other] = field(default_factory=list)

    @property
    def passed_over(self) -> str:
        """The others in a few words, commonest first, each kind with a name; empty for none."""
        counts = Counter(other.kind for other in self.others)
        names = {other.kind: other.name for other in reversed(self.others)}
        kinds = [f"{n:,} {kind} ({names[kind]!r})" for kind, n in counts.most_common(_SHOWN)]
        rest = sum(counts.values()) - sum(n for _, n in counts.most_common(_SHOWN))
        return ", ".join(kinds + [f"{rest:,} more"] * bool(rest))


class Source(Protocol):
    """What a source can do.

    Attributes:
      shuffles: whether its entries may be opened in any order at no cost.
    """

    shuffles: bool

    def listing(self) -> Listing:
        """What there is."""

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each of some entries a function that opens it, or raises Rejected."""


def fingerprint(entries: Iterable[Entry]) -> str:
    """Returns a hash of the names and sizes, to tell whether a source is still what it was."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(f"{entry.name}\0{entry.bytes}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@dataclass(frozen=True)
class Folder:
    """The image files of a folder and all below it; links to folders are not followed.

    The one reader of folders: whatever it meets is in its listing.
    """

    path: str
    shuffles = True

    def listing(self) -> Listing:
        """What there is, sorted by path.

        Raises:
          UserError: the folder itself cannot be read.
        """
        root, found, others = Path(self.path), [], []

        def note(error: OSError) -> None:
            if Path(error.filename) == root:
                raise UserError(f"{self.path} cannot be read: {error.strerror}") from error
            found.append(os.path.relpath(error.filename, root) + "/")

        for folder, below, names in os.walk(root, onerror=note):
            inside = os.path.relpath(folder, root)
            for name in below:
                if os.path.islink(os.path.join(folder, name)):
                    others.append(Other(_joined(inside, name), "linked folders"))
            for name in names:
                kind = _other_kind(name)
                if kind:
                    others.append(Other(_joined(inside, name), kind))
                else:
                    found.append(_joined(inside, name))
        found.sort()
        entries = [Entry(name, place, _size(root / name)) for place, name in enumerate(found)]
        return Listing(entries, sorted(others))

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        for entry in entries:
            path = os.path.join(self.path, entry.name)
            if entry.name.endswith("/"):
                yield functools.partial(_refuse_folder, path)
            else:
                yield functools.partial(_open_file, Path(path))


def _joined(folder: str, name: str) -> str:
    return name if folder == os.curdir else os.path.join(folder, name)


def _other_kind(path: str) -> str:
    """What a file is by its name that is no image; empty for an image."""
    name = path.rpartition("/")[2]
    if name.startswith(_APPLE_DOUBLE):
        return "AppleDouble files"
    if name.lower().endswith(SUFFIXES):
        return ""
    suffix = os.path.splitext(name)[1].lower()
    return f"{suffix} files" if suffix else "files without a suffix"


def _refuse_folder(path: str) -> BinaryIO:
    try:
        with os.scandir(path):
            reason = "it could not when it was listed"
    except OSError as error:
        reason = error.strerror
    raise Rejected(f"is a folder that cannot be read: {reason}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _open_file(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # Opening a pipe would wait for ever.
            raise Rejected("is no regular file")
        _check_bytes(status.st_size)
        return open(path, "rb")
    except OSError as error:
        raise Rejected(f"cannot be opened: {error.strerror}") from error


def _check_bytes(size: int) -> None:
    if size > MAX_BYTES:
        raise Rejected(f"has {size:,} bytes, more than {MAX_BYTES:,}")


@dataclass(frozen=True)
class Zip:
    """The image files of a zip archive, by name."""

    path: str
    shuffles = True

    def listing(self) -> Listing:
        """What there is, sorted by name; of members with one name every one."""
        found, others = [], []
        for place, member in enumerate(_archive(self.path).infolist()):
            kind = _other_kind(member.filename)
            if not kind:
                found.append(Entry(member.filename, place, member.file_size))
            elif not member.is_dir():
                others.append(Other(member.filename, kind))
        found.sort(key=lambda entry: (entry.name, entry.place))
        return Listing(found, sorted(others))

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that opens it."""
        for entry in entries:
            yield functools.partial(_open_member, self.path, entry.place)

    def read(self, name: str) -> bytes:
        """Returns what a member holds that is no image.

        Raises:
          UserError: there is none, or it cannot be read.
        """
        names = _archive(self.path).namelist()
        if name not in names:
            raise UserError(
                f"{self.path} has no {name}; python -m zipfile -l {self.path} lists it."
            )
        try:
            with _open_member(self.path, names.index(name)) as file:
                return file.read()
        except Exception as error:  # As for an image: it is encrypted, or fails its checksum.
            raise UserError(f"{name} in {self.path} cannot be read: {error}") from error


@functools.lru_cache(maxsize=1)
def _archive(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(f"--source={path} cannot be read as a zip: {error}") from None


def _open_member(path: str, place: int) -> BinaryIO:
    archive = _archive(path)
    member = archive.infolist()[place]
    _check_bytes(member.file_size)
    try:
        return archive.open(member)
    except Exception as error:  # Encrypted, an unknown method, a header that lies.
        raise Rejected(f"cannot be opened: {error}") from error


@dataclass(frozen=True)
class Scenes:
    """Rendered scenes (tools/scenes/scenes.py)."""

    count: int
    resolution: int
    seed: int
    kind: scenes.Kind = scenes.Kind()
    shuffles = False

    def listing(self) -> Listing:
        """One entry a scene; they are independent draws, so their order means nothing."""
        kind = self.kind
        what = f", {kind.fewest} to {kind.most} solids, zoom {kind.zoom:g}"
        of_seed = f"of seed {self.seed}{what if kind != scenes.Kind() else ''}"
        names = (f"scene {place} {of_seed}" for place in range(self.count))
        return Listing([Entry(name, place, 0) for place, name in enumerate(names)])

    def openers(self, entries: Sequence[Entry]) -> Iterator[Opener]:
        """For each entry a function that renders it."""
        for entry in entries:
            yield functools.partial(self._render, entry.place)

    def labels(self, of: str) -> tuple[list[str], list[int]]:
        """The classes, and that of every scene: the shape or the colour of its largest solid."""
        shapes = [kind.__name__.lower() for kind in scenes.SHAPES]
        names = {"shape": shapes, "colour": list(scenes.COLOURS)}[of]
        name_of = {"shape": scenes.shape, "colour": scenes.colour}[of]
        composed = (scenes.compose(self.seed, index, self.kind) for index in range(self.count))
        return names, [names.index(name_of(scenes.largest(scene))) for scene in composed]

    def _render(self, index: int) -> BinaryIO:
        """The scene as a PPM file, which costs nothing to write and to read."""
        pixels = scenes.render(self.seed, index, self.resolution, self.kind)
        return io.BytesIO(b"P6 %d %d 255\n" % ((self.resolution,) * 2) + pixels.tobytes())
