"""Sources list what they have, read nothing else, and survive files that were made to harm."""

import io
import os
import stat
import zipfile

import pytest

from dualcontrast.tools.conversion.pixel_formats import Rejected
from dualcontrast.tools.conversion.sources import source as sources
from dualcontrast.tools.conversion.sources.folder import Folder
from dualcontrast.tools.conversion.sources.path_list import PathList
from dualcontrast.tools.conversion.sources.zip_archive import Zip
from dualcontrast.trainer.errors import UserError


def read_all(source) -> dict[str, bytes | str]:
    """Contents by name, or why there are none."""
    found = {}
    entries = source.listing().entries
    for entry, opener in zip(entries, source.openers(entries)):
        try:
            with opener() as file:
                found[entry.name] = file.read()
        except Rejected as why:
            found[entry.name] = str(why)
    return found


def zip_of(path, members: dict, method=zipfile.ZIP_DEFLATED) -> Zip:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return Zip(str(path))


def test_a_folder_is_read_with_all_below_it_in_order(tmp_path):
    for name in ("b.png", "a/z.JPG", "a/y/x.webp", "notes.txt", ".png/c.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    found = read_all(Folder(str(tmp_path)))
    assert list(found) == [".png/c.png", "a/y/x.webp", "a/z.JPG", "b.png"]
    assert all(data == name.encode() for name, data in found.items())


def test_links_to_folders_are_not_followed_and_links_to_files_are(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir(), outside.mkdir()
    (outside / "a.png").write_bytes(b"a")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "file.png").symlink_to(outside / "a.png")
    (inside / "broken.png").symlink_to(outside / "nothing.png")
    found = read_all(Folder(str(inside)))
    assert found["file.png"] == b"a"
    assert "No such file" in found["broken.png"]
    assert len(found) == 2


def test_a_pipe_does_not_make_the_reader_wait(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert read_all(Folder(str(tmp_path))) == {"a.png": "is no regular file"}


def test_a_name_that_is_no_utf_8_is_kept(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"a")
    ((name, data),) = read_all(Folder(str(tmp_path))).items()
    assert (os.fsencode(name), data) == (b"\xff\xfe.png", b"a")


def test_the_size_of_a_file_is_looked_at_before_it_is_read(tmp_path):
    with open(tmp_path / "a.png", "wb") as file:
        file.truncate(sources.MAX_BYTES + 1)
    assert "more than" in read_all(Folder(str(tmp_path)))["a.png"]


@pytest.mark.parametrize(
    "name",
    [
        "./here.png",
        "long/" * 400 + "name.png",
        "unicode\u202egnp.png",
        "new\nline.png",
        "con.png",
    ],
)
def test_a_name_in_a_zip_is_only_a_name(tmp_path, name):
    folder = tmp_path / "folder"
    folder.mkdir()
    source = zip_of(folder / "images.zip", {name: b"data"})
    assert list(read_all(source).values()) == [b"data"]
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "images.zip"]


def test_members_of_one_name_are_read_apart(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.png", b"first")
        archive.writestr("a.png", b"second")
    source = Zip(str(tmp_path / "a.zip"))
    contents = [opener().read() for opener in source.openers(source.listing().entries)]
    assert contents == [b"first", b"second"]


def test_a_link_in_a_zip_is_a_file_that_holds_a_path(tmp_path):
    member = zipfile.ZipInfo("link.png")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    assert read_all(Zip(str(tmp_path / "a.zip"))) == {"link.png": b"/etc/passwd"}


def test_zips_in_zips_and_other_files_are_passed_over(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.png", b"a")
    members = {"inner.zip": inner.getvalue(), "readme.txt": b"", "b.png": b"b"}
    source = zip_of(tmp_path / "a.zip", members)
    assert read_all(source) == {"b.png": b"b"}


def test_a_member_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    source = zip_of(tmp_path / "a.zip", {"bomb.png": bytes(1_000_000), "b.png": b"b"})
    assert (tmp_path / "a.zip").stat().st_size < 3000
    monkeypatch.setattr(sources, "MAX_BYTES", 10_000)
    found = read_all(source)
    assert found["b.png"] == b"b"
    assert "has 1,000,000 bytes, more than 10,000" in found["bomb.png"]


def test_a_member_cannot_hold_more_than_its_header_says(tmp_path):
    path = tmp_path / "a.zip"
    zip_of(path, {"a.png": bytes(1_000_000)})
    data = path.read_bytes()
    size = (1_000_000).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (100).to_bytes(4, "little")))
    source = Zip(str(path))
    (opener,) = source.openers(source.listing().entries)
    with opener() as file, pytest.raises(zipfile.BadZipFile):  # 100 bytes, and not their checksum
        assert len(file.read()) <= 100


def test_an_encrypted_member_is_rejected(tmp_path):
    path = tmp_path / "a.zip"
    zip_of(path, {"a.png": b"data"}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[6] |= 1  # The flag "encrypted" of the member,
    data[data.index(b"PK\1\2") + 8] |= 1  # and of its entry in the directory.
    path.write_bytes(data)
    assert "encrypted" in read_all(Zip(str(path)))["a.png"]


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\5\6" + bytes(10)])
def test_what_is_no_zip_is_the_users_mistake(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UserError, match="cannot be read as a zip"):
        Zip(str(tmp_path / "a.zip")).listing().entries


@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"\xef\xbb\xbf\n"])
def test_a_list_without_a_path_is_the_users_mistake(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match="it has no line with a path"):
        PathList(str(tmp_path / "a.txt")).listing()


def test_the_fingerprint_tells_sources_apart():
    entries = [sources.Entry("a", 0, 5), sources.Entry("b", 1, 6)]
    changed = [sources.Entry("a", 0, 5), sources.Entry("b", 1, 7)]
    assert sources.fingerprint(entries) != sources.fingerprint(changed)
    assert sources.fingerprint(entries) != sources.fingerprint(entries[::-1])
    assert sources.fingerprint(entries) == sources.fingerprint(list(entries))
