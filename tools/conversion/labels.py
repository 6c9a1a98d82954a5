"""Which class each image of a source is of."""

import hashlib
import json
import posixpath
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from dualcontrast.tools.conversion import label_file
from dualcontrast.tools.conversion.label_file import Row, shown
from dualcontrast.tools.conversion.sources.source import Entry, Source
from dualcontrast.trainer import files
from dualcontrast.trainer.errors import UserError

_FOLDERS = "folders"


@dataclass(frozen=True)
class Labelled:
    """The entries of a source with their labels, and the names of the classes that they number."""

    entries: list[Entry]
    classes: tuple[str, ...]


def read(flag: str | None, source: Source, entries: list[Entry]) -> Labelled:
    """Returns the entries of a source with the labels that --labels asks for; None asks for none.

    Raises:
      UserError: there are no such labels, or they do not fit the entries.
    """
    if flag is None:
        return Labelled(entries, ())
    if flag == _FOLDERS:
        if not source.has_folders:
            raise UserError("--labels=folders is for folders and archives; this --source has none.")
        return from_folders(entries)
    if (own := source.labels(flag)) is not None:
        classes, numbers = own
        return from_numbers(entries, f"--labels={flag}", numbers, classes)
    if flag.startswith("tfds:"):
        raise UserError(f"--labels={flag} needs a --source from there: --source=tfds:NAME[:SPLIT]")
    if not label_file.suffix(flag):
        known = ", ".join(["FILE.json", "FILE.csv", *source.label_names])
        raise UserError(
            f"--labels={flag} is none of these: {_FOLDERS + ', ' if source.has_folders else ''}"
            f"{known}.\nOther kinds of --source have others: dualcontrast-convert --help"
        )
    return from_file(entries, flag, _content(flag, source))


def place_in(source: Source, flag: str | None) -> str:
    """Returns where in a source the file of --labels lies; nothing where it lies elsewhere."""
    return source.inside(flag) if label_file.suffix(flag or "") else ""


def _content(path: str, source: Source) -> bytes:
    with files.reading(f"--labels={path}"):
        if place := place_in(source, path):
            return source.read(place)
        return Path(path).read_bytes()


def from_folders(entries: Sequence[Entry]) -> Labelled:
    """Returns the entries with the first folder of their paths as their class.

    Args:
      entries: of a folder or an archive.

    Raises:
      UserError: an image lies in no folder, or all lie in one.
    """
    folders = [_first_folder(entry.name) for entry in entries]
    loose = [entry.name for entry, folder in zip(entries, folders) if not folder]
    if loose:
        raise UserError(
            f"--labels=folders: {len(loose):,} of {len(entries):,} images lie in no folder of"
            f" --source, such as {loose[0]}.\n"
            "Put each class into a folder of its own, or give --labels=FILE.json or FILE.csv."
        )
    names = _in_order(set(folders))
    if len(names) == 1:
        raise UserError(
            f"--labels=folders: all images of --source lie in one folder, {names[0]}.\n"
            "Give a --source with a folder for each class, or --labels=FILE.json or FILE.csv."
        )
    numbers = {name: number for number, name in enumerate(names)}
    labels = [numbers[folder] for folder in folders]
    return Labelled(_with_labels(entries, labels), names)


def from_file(entries: Sequence[Entry], path: str, content: bytes) -> Labelled:
    """Returns the entries with the classes that a file gives them.

    Args:
      entries: of any source.
      path: of the file, as it was typed.
      content: of the file.

    Raises:
      UserError: the file is not what it should be, or does not fit the entries.
    """
    rows = label_file.read(path, content)
    classes, numbers = _classes(rows)
    known: dict[str, Row] = {}
    for row in rows:
        first = known.setdefault(_key(row.path), row)
        if first.label != row.label:
            raise UserError(
                f"--labels={path} gives {shown(row.path)} two classes: {shown(first.label)}"
                f" ({first.place}) and {shown(row.label)} ({row.place})."
            )
    keys = {_key(entry.name) for entry in entries}
    _check_all_there(path, [row for key, row in known.items() if key not in keys])
    # A folder that could not be listed is no image, and will be a row in rejected.csv.
    images = [entry.name for entry in entries if not entry.name.endswith("/")]
    _check_all_labelled(path, [name for name in images if _key(name) not in known], len(images))
    found = {key: numbers[row.label] for key, row in known.items()}
    return Labelled(_with_labels(entries, [found.get(_key(e.name)) for e in entries]), classes)


def from_numbers(
    entries: Sequence[Entry], flag: str, numbers: Sequence[int], classes: Sequence[str]
) -> Labelled:
    """Returns the entries with labels that the source itself has.

    Args:
      entries: of the source.
      flag: what was asked for, as it was typed.
      numbers: a label for each entry.
      classes: names, in the order of their numbers.

    Raises:
      UserError: a label is none of a class.
    """
    wrong = [e.name for e, number in zip(entries, numbers) if not 0 <= number < len(classes)]
    if wrong:
        raise UserError(
            f"{flag}: {len(wrong):,} of {len(entries):,} images have no label, such as {wrong[0]}."
            "\nGive a split that has labels."
        )
    return Labelled(_with_labels(entries, numbers), tuple(classes))


def fingerprint(labelled: Sequence[Entry], classes: Sequence[str]) -> str:
    """Returns a hash of the labels and the classes, to tell whether they are what they were."""
    digest = hashlib.sha256(json.dumps(list(classes)).encode())
    for entry in labelled:
        digest.update(f"{entry.label}\n".encode())
    return digest.hexdigest()


def _classes(rows: Sequence[Row]) -> tuple[tuple[str, ...], dict[int | str, int]]:
    """The names of the classes, and the number of each label."""
    if isinstance(rows[0].label, str):
        names = _in_order({str(row.label) for row in rows})
        return names, {name: number for number, name in enumerate(names)}
    numbers = range(max(int(row.label) for row in rows) + 1)
    return tuple(map(str, numbers)), {number: number for number in numbers}


def _in_order(names: Set[str]) -> tuple[str, ...]:
    """The names sorted, by their values where all are whole numbers."""
    by_value = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name) if by_value else 0, name)))


def _check_all_there(path: str, strangers: list[Row]) -> None:
    if strangers:
        first = strangers[0]
        raise UserError(
            f"--labels={path} names images that the source does not have: {len(strangers):,}, such"
            f" as {shown(first.path)} ({first.place}).\n"
            "Paths are relative to --source, with / between folders."
        )


def _check_all_labelled(path: str, without: list[str], count: int) -> None:
    if without:
        raise UserError(
            f"--labels={path} has no class for {len(without):,} of {count:,} images, such as"
            f" {without[0]}.\nAdd them to the file, or move those images out of the source."
        )


def _with_labels(entries: Sequence[Entry], labels: Sequence[int | None]) -> list[Entry]:
    return [replace(entry, label=label) for entry, label in zip(entries, labels, strict=True)]


def _first_folder(path: str) -> str:
    """The first folder of a path; none of one that begins at the root, or climbs."""
    first = _key(posixpath.dirname(path)).partition("/")[0]
    return "" if first in (".", "..") else label_file.class_name(first)


def _key(path: str) -> str:
    """A path in one spelling: without ./ in front and the like."""
    return posixpath.normpath(path)
