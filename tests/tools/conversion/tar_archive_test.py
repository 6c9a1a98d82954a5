"""Tars are read where they lie, or once through if they are compressed; what is wrong is said."""

import io
import os
import tarfile

import pytest

from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import source as sources
from dualcontrast.tools.conversion.sources import staging
from dualcontrast.tools.conversion.sources.source import Other
from dualcontrast.tools.conversion.sources.tar_archive import Tar
from dualcontrast.trainer.errors import UserError

MODES = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
MEMBERS = {
    "./b.png": b"b" * 700,
    "./deep/a.JPG": b"a",
    "./deep/er/c.webp": b"c" * 3000,
    "./notes.txt": b"x",
}


@pytest.fixture(params=MODES)
def archive(tmp_path, request):
    """A tar as `tar -C folder -cf .` makes it, with a link, of each compression."""
    return write(tmp_path / f"a.{request.param}", MEMBERS, MODES[request.param])


def write(path, members: dict, mode: str = "w", kind: bytes = tarfile.REGTYPE) -> Tar:
    with tarfile.open(path, mode) as made:
        made.addfile(tarfile.TarInfo("./deep"))
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(data), kind, "b.png"
            made.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("./link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    return Tar(str(path))


def read(source, entries) -> list[bytes]:
    return [opener().read() for opener in source.openers(entries)]


def test_images_are_listed_without_the_dot_and_the_rest_is_named(archive):
    listing = archive.listing()
    names = [entry.name for entry in listing.entries]
    stored = ["b.png", "deep/a.JPG", "deep/er/c.webp"]
    assert names == stored and [entry.bytes for entry in listing.entries] == [700, 1, 3000]
    assert Other("notes.txt", ".txt files") in listing.others
    assert Other("link.png", "links and devices") in listing.others


def test_images_hold_what_was_put_in(archive):
    entries = archive.listing().entries
    assert read(archive, entries) == [MEMBERS[f"./{entry.name}"] for entry in entries]
    assert archive.read("notes.txt") == b"x"


def test_a_folder_inside_gives_what_lies_in_it(archive):
    inside = Tar(archive.path, "deep")
    entries = inside.listing().entries
    assert [entry.name for entry in entries] == ["a.JPG", "er/c.webp"]
    assert read(inside, entries) == [b"a", b"c" * 3000]
    assert inside.inside(f"{archive.path}/deep/labels.csv") == "labels.csv"
    assert inside.inside(f"{archive.path}/labels.csv") == ""


def test_a_folder_that_is_not_inside_is_refused_with_those_that_are(archive):
    with pytest.raises(UserError, match="has no folder deep/x(.|\n)*It has: deep, deep/er"):
        Tar(archive.path, "deep/x").listing()


def test_a_plain_tar_is_read_in_any_order_and_a_compressed_one_in_its_own(tmp_path):
    plain = write(tmp_path / "a.tar", MEMBERS)
    packed = write(tmp_path / "a.tgz", MEMBERS, "w:gz")
    assert (plain.shuffles, plain.streamed) == (True, False)
    assert (packed.shuffles, packed.streamed) == (False, True)
    entries = plain.listing().entries[::-1]
    assert read(plain, entries) == [MEMBERS[f"./{entry.name}"] for entry in entries]


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_tar_that_was_cut_anywhere_is_refused(tmp_path, mode):
    data = {f"{number}.png": os.urandom(1000) for number in range(20)}
    whole = write(tmp_path / "whole", data, mode)
    content = (tmp_path / "whole").read_bytes()
    assert len(whole.listing().entries) == 20
    # 9728 is the boundary between two members of the plain tar.
    for end in (300, 9728, 10240, 11000, len(content) // 2, len(content) * 9 // 10):
        (tmp_path / "cut").write_bytes(content[: min(end, len(content) * 9 // 10)])
        if mode == "w" and end == len(content) * 9 // 10:
            continue  # Of the zeros at its end.
        with pytest.raises(UserError, match="cannot be read as a tar") as caught:
            Tar(str(tmp_path / "cut")).listing()
        assert len(str(caught.value).splitlines()) == 2


def test_a_header_that_was_damaged_does_not_end_the_listing_in_silence(tmp_path):
    write(tmp_path / "a.tar", MEMBERS)
    content = bytearray((tmp_path / "a.tar").read_bytes())
    content[content.index(b"./deep/a.JPG")] ^= 1
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        Tar(str(tmp_path / "a.tar")).listing()


NAMES = [
    "/etc/a.png",
    "../a.png",
    "x/../../a.png",
    "..\\a.png",
    "C:\\a.png",
    "\\a.png",
    "//host/a.png",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_climbs_out_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="outside of the archive"):
        write(tmp_path / "a.tar", {name: b"x"}).listing()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.LNKTYPE])
def test_devices_and_links_are_not_looked_at(tmp_path, kind):
    listing = write(tmp_path / "a.tar", {"a.png": b""}, kind=kind).listing()
    assert listing.entries == []
    assert Other("a.png", "links and devices") in listing.others


def test_a_member_that_is_too_large_is_rejected_and_not_read(archive, monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 1000)
    entries = archive.listing().entries
    *_, (_, last) = zip(entries, archive.openers(entries))
    with pytest.raises(Rejected, match="3,000 bytes, more than 1,000"):
        last()


def test_parts_of_a_stream_are_put_down_one_at_a_time(tmp_path, archive, monkeypatch):
    entries = archive.listing().entries
    monkeypatch.setattr(sources, "MAX_BYTES", 2000)
    cut, paths = [entries[:2], entries[2:]], [tmp_path / "0.tmp", tmp_path / "1.tmp"]
    parts = staging.parts(archive, cut, paths)
    first = next(parts)
    assert [path.exists() for path in paths] == [archive.streamed, False]
    assert read(first.source, first.entries) == [MEMBERS["./b.png"], b"a"]
    # An image that ended its process is left out, and the next one is still itself.
    openers = first.source.openers(first.entries)
    next(openers)
    assert next(openers)().read() == b"a"
    (last,) = parts
    with pytest.raises(Rejected, match="more than 2,000"):
        next(last.source.openers(last.entries))()
