"""Label files are read as other tools write them, and what is wrong with one is named."""

import json

import numpy as np
import pytest

from dualcontrast.tools.conversion import label_file
from dualcontrast.trainer.errors import UserError

NUMBERS = [("0/a.png", 3), ("0/b.png", 0)]
NAMES = [("0/a.png", "cat"), ("0/b.png", "dog, wild")]


def read(text: str | bytes, name: str = "labels.json") -> list[tuple[str, int | str]]:
    content = text.encode() if isinstance(text, str) else text
    return [(row.path, row.label) for row in label_file.read(name, content)]


@pytest.mark.parametrize(
    "found, expected",
    [
        ({"labels": NUMBERS}, NUMBERS),
        ({"labels": NAMES}, NAMES),
        ({"labels": dict(NAMES), "version": 1}, NAMES),
        (NAMES, NAMES),
        (dict(NUMBERS), NUMBERS),
        ([("a.png", "7"), ("b.png", "10")], [("a.png", "7"), ("b.png", "10")]),
    ],
    ids=["ADA", "names", "object inside", "pairs", "object", "digits in quotes are names"],
)
def test_json_of_every_form_is_read(found, expected):
    assert read(json.dumps(found)) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("0/a.png,3\n0/b.png,0\n", NUMBERS),
        ("path,label\r\n0/a.png,3\r\n\r\n0/b.png,0", NUMBERS),
        ('File,Class\n0/a.png, cat\n0/b.png,"dog, wild"\n', NAMES),
        ("\ufeffpath,label\n0/a.png,03\n0/b.png,0\n", NUMBERS),
        ("a.png,1\nb.png,x\n", [("a.png", "1"), ("b.png", "x")]),
        ("path,label\npath,label\n", [("path", "label")]),
    ],
    ids=["plain", "header", "names", "of Excel", "a name among numbers", "one header only"],
)
def test_csv_of_every_form_is_read(text, expected):
    assert read(text, "labels.CSV") == expected


def test_paths_that_are_no_utf_8_stay_and_class_names_become_text():
    assert read(b"\xff.png,\xe4\n", "a.csv") == [("\udcff.png", "\\udce4")]
    assert read(json.dumps({"\udcff.png": "\ud800"})) == [("\udcff.png", "\\ud800")]


CONTINUOUS = "continuous labels are not supported"
WRONG_JSON = {
    "null": ('{"labels": null}', ["has no labels", "Leave --labels out"]),
    "nothing": ("[]", ["has no labels"]),
    "empty": ("", ["line 1, column 1", "Expected JSON such as"]),
    "cut": ('{"labels": [\n["a.png", 0],\n["b', ["line 3, column 2"]),
    "UTF-16": ('{"a.png": 0}'.encode("utf-16"), ["line 1, column 1"]),
    "deep": ("[" * 100_000, ["no JSON that can be read"]),
    "endless": ("[" + "9" * 5000 + "]", ["no JSON that can be read"]),
    "text": ('"labels"', ["holds 'labels'"]),
    "no pairs": ('{"labels": [["a.png", 0], ["b.png"]]}', ["entry 2", "['b.png'] is no pair"]),
    "long": (json.dumps([[0] * 1000]), ["entry 1", "... is no pair"]),
    "fraction": ('[["a.png", 0.5]]', ["entry 1", "class of 'a.png' is 0.5", CONTINUOUS]),
    "whole float": ('[["a.png", 1.0]]', ["class of 'a.png' is 1.0", "a whole number"]),
    "vector": ('[["a.png", [0.1, 0.9]]]', ["class of 'a.png' is [0.1, 0.9]", CONTINUOUS]),
    "negative": ('[["b.png", 0], ["a.png", -1]]', ["entry 2", "class of 'a.png' is -1"]),
    "huge": ('[["a.png", 100000]]', ["class of 'a.png' is 100000", "0 to 99,999"]),
    "truth": ('[["a.png", true]]', ["class of 'a.png' is True"]),
    "none": ('[["a.png", null]]', ["class of 'a.png' is None"]),
    "no name": ('[["a.png", ""]]', ["class of 'a.png' is ''"]),
    "mixed": ('{"a.png": 0, "b.png": "cat"}', ["numbers (0, entry 1)", "names ('cat', entry 2)"]),
}
WRONG_CSV = {
    "empty": ("", ["has no labels"]),
    "header": ("path,label\n", ["has no labels"]),
    "three": ("a.png,0\nb.png,0,1\n", ["line 2: 3 columns", "path,class"]),
    "semicolons": ("path;label\na.png;0\n", ["line 1: 1 columns"]),
    "negative": ("path,label\na.png,-1\n", ["line 2", "class of 'a.png' is -1"]),
    "fraction": ("a.png,0\nb.png,0.5\n", ["line 2", "class of 'b.png' is 0.5", CONTINUOUS]),
    "no class": ("a.png,0\nb.png,\n", ["line 2", "class of 'b.png' is ''"]),
    "huge": ("a.png,1700000000\n", ["class of 'a.png' is 1700000000"]),
    "quote": ('a.png,"' + "x" * 200_000, ["line 1", "field larger than"]),
}


@pytest.mark.parametrize(
    "name, text, words",
    [("a.json", *case) for case in WRONG_JSON.values()]
    + [("a.csv", *case) for case in WRONG_CSV.values()],
    ids=[f"json {name}" for name in WRONG_JSON] + [f"csv {name}" for name in WRONG_CSV],
)
def test_what_is_wrong_is_said_in_two_lines(name, text, words):
    with pytest.raises(UserError) as caught:
        read(text, name)
    said = str(caught.value)
    assert said.startswith(f"--labels={name}") and len(said.splitlines()) <= 2
    assert [word for word in words if word not in said] == []


def test_damaged_files_raise_nothing_but_user_errors():
    random = np.random.default_rng(0)
    files = {
        "a.json": b'{"labels": [["0/a.png", 3], ["b.png", "cat"], ["c", [0.5]]]}',
        "a.csv": b'path,label\r\n0/a.png,3\r\n"b.png","7"\n',
    }
    for name, content in files.items():
        for _ in range(1000):
            damaged = bytearray(content)
            for place in random.integers(len(content), size=2):
                damaged[place] = random.choice(list(b'[]{}",:0-.e\\un\n\x00\xff'))
            try:
                found = label_file.read(name, bytes(damaged))
            except UserError as error:
                assert 1 <= len(str(error).splitlines()) <= 2
            else:
                assert all(row.label == 0 or row.label for row in found)
