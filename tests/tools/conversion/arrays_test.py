"""Arrays of images: whichever way their axes lie, on disk, and never pickled."""

import io

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import labels
from dualcontrast.tools.conversion.sources import arrays, kinds
from dualcontrast.trainer.errors import UserError


@pytest.fixture
def images():
    """Five images of 9 x 8 pixels, of three channels."""
    return np.random.default_rng(0).integers(0, 256, (5, 9, 8, 3), dtype=np.uint8)


def read(source) -> np.ndarray:
    entries = source.listing().entries
    return np.stack([np.asarray(Image.open(opener())) for opener in source.openers(entries)])


SHAPES = {
    "channels last": lambda x: (x, x),
    "channels first": lambda x: (x.transpose(0, 3, 1, 2), x),
    "grey": lambda x: (x[..., 0], x[..., 0]),
    "one channel": lambda x: (x[..., :1], x[..., 0]),
    "alpha": lambda x: (np.concatenate([x, x[..., :1]], 3),) * 2,
    "fortran": lambda x: (np.asfortranarray(x), x),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["npy", "npz", "packed"])
def test_images_of_every_layout_are_read(images, tmp_path, shape, kind):
    array, expected = SHAPES[shape](images)
    path = tmp_path / f"a.{'npy' if kind == 'npy' else 'npz'}"
    if kind == "npy":
        np.save(path, array)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, x=array)
    source = kinds.open_source(str(path))
    np.testing.assert_array_equal(read(source), expected)
    if kind == "npz":  # It is not in memory.
        assert isinstance(arrays._load(str(path), "x"), np.memmap)


def test_one_of_several_arrays_is_chosen_and_another_has_the_labels(images, tmp_path):
    numbers = {"y_train": np.array([[2], [0], [2], [0], [0]]), "y_test": np.arange(4)}
    np.savez(tmp_path / "a.npz", x_train=images, x_test=images[:4, ::-1], **numbers)
    with pytest.raises(UserError, match=r"x_train \(uint8 \[5, 9, 8, 3\]\), x_test"):
        kinds.open_source(f"{tmp_path}/a.npz")
    source = kinds.open_source(f"{tmp_path}/a.npz:x_test")
    np.testing.assert_array_equal(read(source), images[:4, ::-1])
    assert source.label_names == ("y_test",)
    source = kinds.open_source(f"{tmp_path}/a.npz:x_train")
    entries = source.listing().entries
    labelled = labels.read("y_train", source, entries)
    assert [entry.label for entry in labelled.entries] == [2, 0, 2, 0, 0]
    assert labelled.classes == ("0", "1", "2")
    with pytest.raises(UserError, match="none of these: FILE.json, FILE.csv, y_train"):
        labels.read("y_test", source, entries)


WRONG = {
    "float": (np.zeros((2, 8, 8, 3), np.float32), r"is float32 \[2, 8, 8, 3\]"),
    "two channels": (np.zeros((2, 8, 8, 2), np.uint8), r"is uint8 \[2, 8, 8, 2\]"),
    "flat": (np.zeros((2, 192), np.uint8), r"is uint8 \[2, 192\]"),
    "none": (np.zeros((0, 8, 8, 3), np.uint8), r"is uint8 \[0, 8, 8, 3\]"),
    "objects": (np.array([{}, {}]), "cannot be read as arrays of numpy"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("suffix", ["npy", "npz:x"])
def test_arrays_of_anything_else_are_refused(tmp_path, name, suffix):
    array, words = WRONG[name]
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", x=array)
    with pytest.raises(UserError, match=words) as caught:
        kinds.open_source(f"{tmp_path}/a.{suffix}")
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_file_that_was_cut_is_refused(images, tmp_path, suffix):
    (np.save if suffix == "npy" else np.savez)(file := io.BytesIO(), images)
    (tmp_path / f"a.{suffix}").write_bytes(file.getvalue()[:-400])
    with pytest.raises(UserError, match="cannot be read as arrays of numpy"):
        kinds.open_source(f"{tmp_path}/a.{suffix}").listing()


@pytest.mark.parametrize("number", [-1, 100_000, 170_000_000])
def test_a_number_that_is_no_class_is_refused_before_there_is_a_name_for_each(
    images, tmp_path, number
):
    np.savez(tmp_path / "a.npz", x=images, y=np.array([number, 0, 0, 1, 0]))
    source = kinds.open_source(f"{tmp_path}/a.npz:x")
    with pytest.raises(UserError, match=f"the class {number:,}.\n.*from 0 to 99,999"):
        labels.read("y", source, source.listing().entries)


def test_an_archive_of_arrays_has_to_be_called_one(images, tmp_path):
    np.savez(tmp_path / "a.npz", x=images)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(UserError, match="call it .npz"):
        kinds.open_source(f"{tmp_path}/a.npy").listing()


def test_arrays_behind_a_password_are_refused(images, tmp_path):
    np.savez(tmp_path / "a.npz", x=images)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flag of encryption
        content[content.index(signature) + place] |= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as arrays of numpy: .*encrypted"):
        kinds.open_source(f"{tmp_path}/a.npz").listing()
