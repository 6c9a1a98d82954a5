"""Every image of a source gets its class, or what is in the way is named before any is read."""

import json
import zipfile

import pytest

from dualcontrast.tools.conversion import labels
from dualcontrast.tools.conversion.sources.folder import Folder
from dualcontrast.tools.conversion.sources.rendered import Scenes
from dualcontrast.tools.conversion.sources.source import Entry
from dualcontrast.tools.conversion.sources.zip_archive import Zip
from dualcontrast.trainer.errors import UserError


def entries(*names: str) -> list[Entry]:
    return [Entry(name, place, 1) for place, name in enumerate(names)]


def of(labelled: labels.Labelled) -> dict[str, int | None]:
    """Labels by path."""
    return {entry.name: entry.label for entry in labelled.entries}


def from_file(found: list[Entry], content: object) -> labels.Labelled:
    return labels.from_file(found, "a.json", json.dumps(content).encode())


def refusal(call, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) <= 2
    return str(caught.value)


def test_the_first_folder_of_a_path_is_its_class():
    found = labels.from_folders(entries("dog/a.png", "cat/x/b.png", "./dog/c.png", "ox/"))
    assert found.classes == ("cat", "dog", "ox")
    assert of(found) == {"dog/a.png": 1, "cat/x/b.png": 0, "./dog/c.png": 1, "ox/": 2}
    # All else about the entries is as it was.
    assert [(entry.place, entry.bytes) for entry in found.entries] == [(n, 1) for n in range(4)]


def test_folders_that_are_numbers_are_in_the_order_of_their_values():
    names = [f"{number}/a.png" for number in (10, 9, 0, 1)]
    assert labels.from_folders(entries(*names)).classes == ("0", "1", "9", "10")
    assert labels.from_folders(entries(*names, "x/a.png")).classes == (
        *("0", "1", "10", "9"),
        "x",
    )


def test_a_folder_that_is_no_utf_8_becomes_text():
    found = labels.from_folders(entries("\udcff/a.png", "b/b.png"))
    assert found.classes == ("\\udcff", "b")


def test_images_in_no_folder_or_all_in_one_have_no_classes():
    text = refusal(labels.from_folders, entries("a/a.png", "b.png", "c.png"))
    assert "2 of 3 images lie in no folder of --source, such as b.png" in text
    text = refusal(labels.from_folders, entries("train/a/a.png", "train/b/b.png"))
    assert "all images of --source lie in one folder, train" in text


@pytest.mark.parametrize("name", ["/data/a/a.png", "../a/a.png", "./a.png"])
def test_a_name_that_begins_at_the_root_or_climbs_lies_in_no_folder(name):
    text = refusal(labels.from_folders, entries("b/b.png", name))
    assert f"1 of 2 images lie in no folder of --source, such as {name}" in text


def test_numbers_stay_and_those_without_an_image_are_classes_too():
    found = from_file(entries("a.png", "b.png", "c.png"), {"a.png": 3, "c.png": 0, "b.png": 3})
    assert found.classes == ("0", "1", "2", "3")
    assert of(found) == {"a.png": 3, "b.png": 3, "c.png": 0}


def test_names_are_sorted_and_numbered_from_0():
    found = from_file(
        entries("a.png", "b.png", "c.png"), {"a.png": "x", "c.png": "B", "b.png": "a"}
    )
    assert found.classes == ("B", "a", "x")
    assert of(found) == {"a.png": 2, "b.png": 1, "c.png": 0}


def test_paths_are_matched_in_every_spelling():
    found = from_file(entries("a/b.png", "./c.png"), {"./a//b.png": 1, "c.png": 0})
    assert of(found) == {"a/b.png": 1, "./c.png": 0}


def test_members_of_one_name_have_one_label_and_folders_that_cannot_be_read_none():
    found = from_file(entries("a.png", "a.png", "b.png", "below/"), {"a.png": 1, "b.png": 0})
    assert [entry.label for entry in found.entries] == [1, 1, 0, None]


def test_what_does_not_fit_is_counted_with_the_first():
    known = entries("a.png", "b.png", "c.png", "below/")
    text = refusal(from_file, known, {"b.png": 0})
    assert "--labels=a.json has no class for 2 of 3 images, such as a.png" in text
    assert "move those images out of the source" in text
    text = refusal(from_file, known, [["a.png", 0], ["d.png", 0], ["e.png", 1]])
    assert "names images that the source does not have: 2, such as 'd.png' (entry 2)" in text
    text = refusal(from_file, known, [["a.png", 0], ["b.png", 0], ["./a.png", 1]])
    assert "gives './a.png' two classes: 0 (entry 1) and 1 (entry 3)" in text
    # Twice the same is no contradiction.
    assert of(from_file(known[:1], [["a.png", 1], ["a.png", 1]])) == {"a.png": 1}


def test_labels_of_the_source_itself_are_checked():
    found = labels.from_numbers(entries("a", "b"), "--labels=tfds:x", [1, 0], ["cat", "dog"])
    assert (of(found), found.classes) == ({"a": 1, "b": 0}, ("cat", "dog"))
    arguments = (entries("a", "b", "c"), "--labels=tfds:x", [0, -1, -1], ["cat"])
    text = refusal(labels.from_numbers, *arguments)
    assert "--labels=tfds:x: 2 of 3 images have no label, such as b" in text


def test_the_fingerprint_tells_labels_apart():
    known = entries("a.png", "b.png")
    found = [
        from_file(known, {"a.png": first, "b.png": second})
        for first, second in [(0, 1), (1, 0), (1, 1), ("0", "1"), ("0", "2"), (0, 1)]
    ]
    prints = [labels.fingerprint(one.entries, one.classes) for one in found]
    # Names that are those of the numbers are the same classes.
    assert prints[0] == prints[3] == prints[5] and len(set(prints)) == 4


def test_without_the_flag_nothing_changes():
    known = entries("a.png")
    assert labels.read(None, Folder("in"), known) == labels.Labelled(known, ())


@pytest.mark.parametrize(
    "flag, source, words",
    [
        ("folders", Scenes(2, 8, 0), "for folders and archives"),
        ("folder", Folder("in"), "none of these: folders, FILE.json, FILE.csv"),
        ("labels.txt", Folder("in"), "none of these"),
        ("", Folder("in"), "none of these"),
        ("nowhere/a.json", Folder("in"), "--labels=nowhere/a.json cannot be read: No such"),
        ("nowhere/a.csv", Folder("in"), "--labels=nowhere/a.csv cannot be read: No such"),
    ],
)
def test_labels_that_are_not_there_are_refused(flag, source, words):
    assert words in refusal(labels.read, flag, source, entries("a.png"))


@pytest.fixture
def archive(tmp_path) -> Zip:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as written:
        written.writestr("a.png", b"")
        written.writestr("below/dataset.json", json.dumps({"a.png": "cat"}))
        written.writestr("damaged.json", b"{}  ")
    content = (tmp_path / "in.zip").read_bytes()
    (tmp_path / "in.zip").write_bytes(content.replace(b"{}  ", b"{}\n\n", 1))
    return Zip(str(tmp_path / "in.zip"))


def test_a_label_file_may_lie_in_the_archive(archive):
    path = f"{archive.path}/below/dataset.json"
    assert labels.read(path, archive, archive.listing().entries).classes == ("cat",)
    assert labels.place_in(archive, path) == "below/dataset.json"
    assert labels.place_in(archive, f"{archive.path}.json") == ""
    assert labels.place_in(Folder("in"), "in/a.csv") == "a.csv"
    assert labels.place_in(Folder("in"), "out/a.csv") == ""
    known = archive.listing().entries
    assert "has no a.json" in refusal(labels.read, f"{archive.path}/a.json", archive, known)
    text = refusal(labels.read, f"{archive.path}/damaged.json", archive, known)
    assert "damaged.json" in text and "cannot be read" in text and "CRC" in text
