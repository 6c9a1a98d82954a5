"""CIFAR's archives in the layout of the download, and pickles that want to run something."""

import io
import os
import pathlib
import pickle
import tarfile
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import labels
from dualcontrast.tools.conversion.sources import inert_pickle, kinds
from dualcontrast.trainer.errors import UserError

EACH = 4  # Images of a batch.


class Python2(pickle._Pickler):
    """Writes text and bytes as the str of Python 2, in which CIFAR was pickled."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_str(self, text):
        data = text if isinstance(text, bytes) else text.encode("latin-1")
        self.write(pickle.BINSTRING + len(data).to_bytes(4, "little") + data)
        self.memoize(text)

    dispatch[str] = dispatch[bytes] = save_str


def pickled(value) -> bytes:
    Python2(file := io.BytesIO(), protocol=2).dump(value)
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def batch(number: int, **numbers) -> dict:
    data = np.random.default_rng(number).integers(0, 256, (EACH, 3072), dtype=np.uint8)
    names = [f"{number}_{place}.png" for place in range(EACH)]
    return {"data": data, "filenames": names, "batch_label": "x", **numbers}


def contents(hundred: bool) -> dict[str, dict]:
    some = list(range(EACH))
    if hundred:
        numbers = {"fine_labels": some[::-1], "coarse_labels": [0, 0, 1, 1]}
        meta = {
            "fine_label_names": ["apple", "bear", "cloud", "dolphin"],
            "coarse_label_names": ["fruit", "rest"],
        }
        return {"meta": meta, "train": batch(0, **numbers), "test": batch(1, **numbers)}
    batches = {f"data_batch_{n}": batch(n, labels=some) for n in range(1, 6)}
    meta = {"label_names": ["airplane", "automobile", "bird", "cat"], "num_vis": 3072}
    return {"batches.meta": meta, **batches, "test_batch": batch(6, labels=some)}


@pytest.fixture(params=["cifar-10-batches-py", "cifar-100-python"])
def download(request, tmp_path) -> pathlib.Path:
    """One of the two downloads."""
    hundred = request.param == "cifar-100-python"
    path = tmp_path / f"cifar-{100 if hundred else 10}-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, value in contents(hundred).items():
            content = pickled(value)
            member = tarfile.TarInfo(f"{request.param}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def check(source, numbers: list[int], split: str) -> None:
    entries = source.listing().entries
    expected = [batch(number) for number in numbers]
    names = [f"{split}/{name}" for one in expected for name in one["filenames"]]
    assert [entry.name for entry in entries] == names
    rows = np.concatenate([one["data"] for one in expected])
    for row, opener in zip(rows, source.openers(entries), strict=True):
        received = np.asarray(Image.open(opener()))
        np.testing.assert_array_equal(received.transpose(2, 0, 1).reshape(-1), row)


def test_the_training_or_the_test_images_are_read_never_both(download):
    hundred = "100" in download.name
    check(kinds.open_source(str(download)), [0] if hundred else [1, 2, 3, 4, 5], "train")
    check(kinds.open_source(f"{download}:train"), [0] if hundred else [1, 2, 3, 4, 5], "train")
    check(kinds.open_source(f"{download}:test"), [1] if hundred else [6], "test")
    with pytest.raises(UserError, match="only train and test"):
        kinds.open_source(f"{download}:val")


def test_labels_have_their_names(download):
    source = kinds.open_source(f"{download}:test")
    entries = source.listing().entries
    fine = labels.read("label", source, entries)
    if "100" in download.name:
        assert fine.classes == ("apple", "bear", "cloud", "dolphin")
        assert [entry.label for entry in fine.entries] == [3, 2, 1, 0]
        coarse = labels.read("coarse_label", source, entries)
        assert coarse.classes == ("fruit", "rest")
        assert [entry.label for entry in coarse.entries] == [0, 0, 1, 1]
    else:
        assert fine.classes == ("airplane", "automobile", "bird", "cat")
        assert [entry.label for entry in fine.entries] == [0, 1, 2, 3]
        with pytest.raises(UserError, match="none of these: FILE.json, FILE.csv, label"):
            labels.read("coarse_label", source, entries)


def test_an_unpacked_archive_is_the_same(download, tmp_path):
    with tarfile.open(download) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    packed, unpacked = kinds.open_source(str(download)), kinds.open_source(str(folder))
    assert packed.listing() == unpacked.listing()


def test_an_archive_that_was_cut_is_refused(download):
    download.write_bytes(download.read_bytes()[:-2000])
    with pytest.raises(UserError, match="cannot be read as CIFAR"):
        kinds.open_source(str(download)).listing()


class Harm:
    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize("value", [Harm(), {"data": Harm()}, [Harm()]])
def test_a_pickle_that_wants_to_run_something_is_refused_and_runs_nothing(
    tmp_path, monkeypatch, value
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"posix\.system, which is not run"):
        inert_pickle.read(io.BytesIO(pickle.dumps(value, protocol=2)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["eval", "getattr", "__import__"])
def test_not_even_builtins_are_called(name):
    with pytest.raises(ValueError, match="which is not run"):
        inert_pickle.read(io.BytesIO(f"cbuiltins\n{name}\n(S'1'\ntR.".encode()))


@pytest.mark.parametrize("end", [0, 1, 10, 100, 1000])
def test_a_pickle_that_was_cut_or_is_none_is_refused(end):
    with pytest.raises(ValueError):
        inert_pickle.read(io.BytesIO(pickled(batch(0))[:end]))


def test_an_array_of_other_numbers_is_refused():
    with pytest.raises(ValueError, match="array of float32, expected uint8"):
        inert_pickle.read(io.BytesIO(pickled({"data": np.zeros(3, np.float32)})))


@pytest.mark.parametrize("content", [b"]r\xff\xff\xff\x07.", b"B\xff\xff\xff\x3f."])
def test_a_few_bytes_do_not_ask_for_a_gigabyte(tmp_path, content):
    """A place far off in the memo, and bytes that are said to follow."""
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02" + content)
    tracemalloc.start()
    with open(tmp_path / "data_batch_1", "rb") as file, pytest.raises(ValueError):
        inert_pickle.read(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6, peak


def test_more_bytes_than_any_archive_has_are_not_read(monkeypatch):
    monkeypatch.setattr(inert_pickle, "_MOST_BYTES", 100)
    with pytest.raises(ValueError, match="expected 100 at the most"):
        inert_pickle.read(io.BytesIO(pickled(batch(0))))


@pytest.mark.parametrize("value", [[["a"]], [0.5], {"a": 1}, None])
def test_a_batch_holds_names_numbers_and_an_array_alone(value):
    with pytest.raises(ValueError, match="expected a name or a number"):
        inert_pickle.read(io.BytesIO(pickled({"filenames": value})))
