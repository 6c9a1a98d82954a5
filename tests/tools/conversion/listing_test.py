"""Whatever a folder or a zip holds is an entry, or one of the others, with a name."""

import errno
import os
import zipfile

import pytest

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources.folder import Folder
from dualcontrast.tools.conversion.sources.source import Listing, Other
from dualcontrast.tools.conversion.sources.zip_archive import Zip
from dualcontrast.trainer.errors import UserError

OTHERS = {
    "a.eps": ".eps files",
    "b.RAW": ".raw files",
    "deep/c.svg": ".svg files",
    "README": "files without a suffix",
    "._x.png": "AppleDouble files",
    "deep/._y.jpg": "AppleDouble files",
    "new\nline.psd": ".psd files",
}


def names(listing: Listing) -> list[str]:
    return [entry.name for entry in listing.entries]


def test_other_files_of_a_folder_are_named(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in [*OTHERS, "x.png", "deep/y.jpg"]:
        (tmp_path / name).write_bytes(b"x")
    listing = Folder(str(tmp_path)).listing()
    assert names(listing) == ["deep/y.jpg", "x.png"]
    assert dict(listing.others) == OTHERS
    assert listing.passed_over.startswith("2 AppleDouble files ('._x.png'), ")
    assert listing.passed_over.endswith(", 1 more")


def test_other_members_of_a_zip_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("empty") if hasattr(archive, "mkdir") else None
        for name in [*OTHERS, "x.png", "__MACOSX/._x.png"]:
            archive.writestr(name, b"x")
    listing = Zip(str(tmp_path / "a.zip")).listing()
    assert names(listing) == ["x.png"]
    assert dict(listing.others) == OTHERS | {"__MACOSX/._x.png": "AppleDouble files"}


def test_linked_folders_are_named_and_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    for link, target in {"up": "..", "self": ".", "in/away": "/usr"}.items():
        (tmp_path / link).symlink_to(target)
    listing = Folder(str(tmp_path)).listing()
    kind = "linked folders"
    assert listing == Listing([], [Other(name, kind) for name in ("in/away", "self", "up")])


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_folder_that_cannot_be_read_is_an_entry_with_the_reason(tmp_path, monkeypatch, number):
    for name in ("good/a.png", "bad/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("bad") or os.fspath(path).endswith("bad/"):
            raise OSError(number, os.strerror(number), os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    source = Folder(str(tmp_path))
    listing = source.listing()
    assert names(listing) == ["bad/", "good/a.png"]
    opener, _ = source.openers(listing.entries)
    with pytest.raises(Rejected, match=f"cannot be read: {os.strerror(number)}"):
        opener()
    with pytest.raises(UserError, match="bad cannot be read"):
        Folder(str(tmp_path / "bad")).listing()


def test_a_folder_too_deep_to_be_named_is_an_entry(tmp_path):
    start = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        os.close(os.open("lost.png", os.O_CREAT | os.O_WRONLY))
    finally:
        os.fchdir(start)
        os.close(start)
    (name,) = names(Folder(str(tmp_path)).listing())
    assert name.endswith("d/")
