"""A conversion with class labels as a user runs it: whole, interrupted, and refused."""

import json
import zipfile

import pytest
from PIL import Image

from dualcontrast.tools.conversion import conversion, labels, pixels
from dualcontrast.tools.conversion.shards import Plan
from dualcontrast.tools.conversion.sources.folder import Folder
from dualcontrast.trainer.data import manifest, records


@pytest.fixture(scope="module")
def folder(bench, tmp_path_factory):
    """60 images of 16x16 pixels."""
    return bench.folder(tmp_path_factory.mktemp("source") / "images", 60)


def labels_of(made) -> dict[str, str]:
    """The name of the class of every image."""
    found = {}
    for shard in made.shards:
        for record in records.read(made.path(shard)):
            name = records.decode_example(record.payload)["name"].decode()
            found[name] = made.classes[records.label_of(record.payload)].name
    return found


@pytest.fixture(scope="module")
def classes():
    """A class of each image of the folder, of which one is not kept."""
    names = [f"{'below/' * (number % 2)}{number:03d}.png" for number in range(60)]
    return {name: ("cat", "dog", "ox")[number % 3] for number, name in enumerate(names)}


@pytest.fixture(scope="module")
def labelled(bench, folder, classes, tmp_path_factory):
    """A zip with a label file in it and a broken image, converted, and what was printed."""
    place = tmp_path_factory.mktemp("labelled")
    with zipfile.ZipFile(place / "in.zip", "w") as archive:
        for name in classes:
            archive.write(folder / name, name)
        archive.writestr("broken.png", b"no image")
        pairs = [*classes.items(), ("broken.png", "dog")]
        archive.writestr("dataset.json", json.dumps({"labels": pairs}))
    request = [f"--source={place / 'in.zip'}", f"--dest={place / 'data'}", "--shards=4"]
    request += ["--workers=1"]
    request.append(f"--labels={place / 'in.zip' / 'dataset.json'}")
    done = bench.run("convert", *request)
    assert done.returncode == 0, done.stderr
    return request, manifest.open_dataset(place / "data"), done.stdout


def test_every_image_has_its_label_and_only_kept_ones_are_counted(labelled, classes):
    _, made, printed = labelled
    assert labels_of(made) == classes
    assert made.classes == tuple(manifest.Category(name, 20) for name in ("cat", "dog", "ox"))
    assert '\nbroken.png,"is no image' in (made.folder / "rejected.csv").read_text()
    last = f"60 kept, 1 rejected (see {made.folder}/rejected.csv); 3 classes of 20 to 20 images;"
    # The label file is no file that is not looked at.
    assert printed == f"{last} dataset in {made.folder}\n"
    assert (made.folder / "passed_over.csv").read_text() == "name,kind\n"


def test_without_labels_a_dataset_knows_nothing_of_them(bench, folder, tmp_path):
    dataset = bench.convert(folder, tmp_path / "data", "--max_images=3")
    assert "labels" not in dataset.request
    assert "classes" not in json.loads((dataset.folder / "manifest.json").read_text())
    payloads = [record.payload for record in records.read(dataset.path(dataset.shards[0]))]
    assert {records.label_of(payload) for payload in payloads} == {None}


def test_other_labels_are_another_request(bench, labelled, classes, tmp_path):
    request, made, _ = labelled
    before = bench.bytes_of(made.folder)
    for name, changed in (("same", {}), ("other", {"000.png": "dog"})):
        rows = {"broken.png": "dog", **classes, **changed}.items()
        text = "path,class\n" + "".join(f"{path},{label}\n" for path, label in rows)
        (tmp_path / f"{name}.csv").write_text(text)
    calls = [
        [*request[:-1], f"--labels={tmp_path / 'same.csv'}"],
        [*request[:-1], f"--labels={tmp_path / 'other.csv'}"],
        request[:-1],
    ]
    same, other, none = bench.calls("convert", *calls)
    assert same[0] == 0 and "already holds this dataset" in same[1]
    for code, _, error in (other, none):
        assert code == 2 and "another dataset (labels " in error and "another --dest" in error
    assert bench.bytes_of(made.folder) == before


class Killed(BaseException):
    """Ends a conversion in its middle."""


def test_an_interrupted_conversion_goes_on_with_its_labels(folder, classes, tmp_path):
    source = Folder(str(folder))
    content = json.dumps(classes).encode()
    found = labels.from_file(source.listing().entries, "a.json", content)
    rules = pixels.Rules(16, "none", "lanczos", "rgb", (255, 255, 255), False, 10_000)
    plan = Plan(source, rules, "png", 6, found.classes)
    shards = conversion.split(found.entries, 6, rules, "png")
    request = {"labels": labels.fingerprint(found.entries, found.classes)}

    runner = conversion.on_this_machine(1)

    def convert(name, on_count):
        return conversion.run(plan, shards, request, "in", tmp_path / name, runner, on_count)

    def kill(count):
        if count == 35:
            raise Killed

    whole = convert("whole", lambda count: None)
    with pytest.raises(Killed):
        convert("killed", kill)
    assert len(list((tmp_path / "killed").glob("*.tfrecord"))) == 3
    made = convert("killed", lambda count: None)
    assert (made.shards, made.classes) == (whole.shards, whole.classes)
    assert labels_of(made) == classes


def test_folders_are_classes(bench, tmp_path):
    for number, name in enumerate(("cat/0.png", "cat/below/1.png", "dog/2.png")):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(bench.pixels(number)).save(tmp_path / "in" / name)
    made = bench.convert(tmp_path / "in", tmp_path / "data", "--labels=folders", "--max_images=2")
    known = {"cat/0.png": "cat", "cat/below/1.png": "cat", "dog/2.png": "dog"}
    found = labels_of(made)
    assert len(found) == 2 and found.items() <= known.items()
    counts = [list(found.values()).count(name) for name in ("cat", "dog")]
    assert made.class_counts == tuple(counts)


def test_labels_that_do_not_fit_are_refused_and_nothing_is_written(
    bench, folder, classes, tmp_path
):
    some = dict(list(classes.items())[:40])
    files = {
        "some.json": json.dumps(some),
        "more.json": json.dumps(classes | {"x.png": "ox"}),
        "none.json": '{"labels": null}',
        "cut.json": '{"labels": [["000.png", 1],',
        "vector.json": json.dumps({"labels": [[name, [0.5, 0.5]] for name in classes]}),
        "minus.csv": "path,label\n000.png,-1\n",
        "twice.csv": "000.png,0\n000.png,1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    cases = {
        "some.json": "no class for 20 of 60 images, such as",
        "more.json": "names images that the source does not have: 1, such as 'x.png'",
        "none.json": "has no labels",
        "cut.json": "line 1, column",
        "vector.json": "continuous labels are not supported",
        "minus.csv": "line 2: the class of '000.png' is -1",
        "twice.csv": "'000.png' two classes: 0 (line 1) and 1 (line 2)",
        "gone.csv": "gone.csv cannot be read: No such file",
        "folders": "30 of 60 images lie in no folder",
        "tfds:label": "--source=tfds:NAME",
        "classes": "none of these",
    }
    places = [str(tmp_path / name) if "." in name else name for name in cases]
    common = [f"--source={folder}", f"--dest={tmp_path / 'data'}", "--workers=1"]
    done = bench.calls("convert", *([*common, f"--labels={place}"] for place in places))
    for (code, _, error), words in zip(done, cases.values(), strict=True):
        assert code == 2 and words in error and len(error.splitlines()) <= 2, error
    assert not (tmp_path / "data").exists()
