"""Reading files that say which class each image is of: JSON or CSV.

{"labels": [["00000/a.png", 3], ["00000/b.png", 0]]}    as the tool of StyleGAN2-ADA writes it
[["cats/a.png", "cat"], ["dogs/b.png", "dog"]]          with names in place of numbers
{"cats/a.png": "cat", "dogs/b.png": "dog"}              the same as one object
path,class                                              or CSV, with this line or without
cats/a.png,cat
"""

import csv
import io
import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from dualcontrast.trainer.errors import UserError

# What the first line of a CSV file may call its two columns.
_PATHS = {"path", "file", "filename", "image", "name"}
_CLASSES = {"class", "label", "category"}
# Every number up to the largest is a class; one as large as this is none's, but a mistake.
MOST_CLASSES = 100_000
_SHOWN = 80  # Characters that are quoted.
_EXAMPLE = '{"labels": [["a.png", 0], ["b.png", 1]]}'


class Row(NamedTuple):
    """A path, the number or name of its class, and where the file says so, as in "line 3"."""

    path: str
    label: int | str
    place: str


def read(path: str, content: bytes) -> list[Row]:
    """Returns what a label file says, in its order.

    Args:
      path: of the file, which decides whether it is JSON or CSV.
      content: of the file, UTF-8; names of files that are not UTF-8 stay as they are.

    Raises:
      UserError: it is neither, has no labels, or one is no whole number from 0 and no name.
    """
    text = content.decode("utf-8-sig", "surrogateescape")
    rows = _READERS[suffix(path)](path, text)
    if not rows:
        raise UserError(
            f"--labels={path} has no labels, expected a class for every image.\n"
            "Leave --labels out to convert without classes."
        )
    kinds = {type(row.label): row for row in reversed(rows)}
    if len(kinds) > 1:
        number, name = kinds[int], kinds[str]
        raise UserError(
            f"--labels={path} has numbers ({number.label}, {number.place}) and names"
            f" ({shown(name.label)}, {name.place}): give all classes as one or the other."
        )
    for row in rows:
        _check(path, row)
    return rows


def class_name(text: str) -> str:
    """Returns a name that can be printed and stored, where a file's or folder's is not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shown(value: object) -> str:
    """Returns a path or a label as an error quotes it: on one line, and not for ever."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def suffix(path: str) -> str:
    """Returns ".json" or ".csv", or nothing for a file of another kind."""
    found = os.path.splitext(path)[1].lower()
    return found if found in _READERS else ""


def numbered(path: str, numbers: list[int]) -> tuple[list[str], list[int]]:
    """Returns the classes of whole numbers, one for each up to the largest, and the numbers.

    Args:
      path: of the file that has them.
      numbers: one or more.

    Raises:
      UserError: one is negative, or too large to be a class.
    """
    for number in (min(numbers), max(numbers)):
        if not 0 <= number < MOST_CLASSES:
            raise UserError(
                f"{path} has an image of the class {number:,}.\n"
                f"Expected whole numbers from 0 to {MOST_CLASSES - 1:,}."
            )
    return [str(number) for number in range(max(numbers) + 1)], numbers


def _check(path: str, row: Row) -> None:
    label = row.label
    if label == "" or isinstance(label, int) and not 0 <= label < MOST_CLASSES:
        raise _refusal(path, row.place, row.path, row.label)


def _refusal(path: str, place: str, image: object, label: object) -> UserError:
    rule = "; continuous labels are not supported" if isinstance(label, list | float) else ""
    return UserError(
        f"--labels={path}, {place}: the class of {shown(image)} is {shown(label)}.\n"
        f"Expected a whole number from 0 to {MOST_CLASSES - 1:,}, or a name{rule}."
    )


def _json_rows(path: str, text: str) -> list[Row]:
    try:
        # Pairs in place of dicts: a dict would hide that a path stands there twice.
        found = json.loads(text, object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        raise UserError(
            f"--labels={path}, line {error.lineno}, column {error.colno}: {error.msg}.\n"
            f"Expected JSON such as {_EXAMPLE}"
        ) from None
    except (ValueError, RecursionError) as error:  # A number or a nest too large for Python.
        raise UserError(f"--labels={path} is no JSON that can be read: {error}") from None
    if isinstance(found, _Object):
        found = next((value for key, value in found if key == "labels"), found)
    if found is None:
        return []
    if not isinstance(found, list):
        raise UserError(f"--labels={path} holds {shown(found)}, expected {_EXAMPLE}")
    return [_json_row(path, entry, f"entry {number}") for number, entry in enumerate(found, 1)]


class _Object(list):
    """A JSON object as the list of its pairs."""


def _json_row(path: str, entry: Any, place: str) -> Row:
    match entry:
        case [str(image), bool(label)]:
            raise _refusal(path, place, image, label)
        case [str(image), int(label)]:
            return Row(image, label, place)
        case [str(image), str(label)]:
            return Row(image, class_name(label), place)
        case [str(image), label]:
            raise _refusal(path, place, image, label)
    raise UserError(
        f"--labels={path}, {place}: {shown(entry)} is no pair of a path and its class.\n"
        f"Expected JSON such as {_EXAMPLE}"
    )


def _csv_rows(path: str, text: str) -> list[Row]:
    rows: list[Row] = []
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        for columns in lines:
            if not columns:
                continue
            if len(columns) != 2:
                raise UserError(
                    f"--labels={path}, line {lines.line_num}: {len(columns)} columns, expected"
                    " two: path,class"
                )
            image, label = columns[0], class_name(columns[1].strip())
            is_header = image.lower() in _PATHS and label.lower() in _CLASSES
            if not (is_header and lines.line_num == 1):
                rows.append(Row(image, label, f"line {lines.line_num}"))
    except csv.Error as error:
        raise UserError(f"--labels={path}, line {lines.line_num}: {error}.") from None
    if not all(_is_number(row.label) for row in rows):
        return rows
    return [row._replace(label=_whole(path, row)) for row in rows]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _whole(path: str, row: Row) -> int:
    try:
        return int(row.label)
    except ValueError:
        raise _refusal(path, row.place, row.path, float(row.label)) from None


_READERS: dict[str, Callable[[str, str], list[Row]]] = {".json": _json_rows, ".csv": _csv_rows}
