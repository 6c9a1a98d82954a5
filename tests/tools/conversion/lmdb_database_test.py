"""LSUN's databases: WebP or JPEG under keys that are hashes, without a lock file."""

import io

import lmdb
import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.conversion import pixel_formats
from dualcontrast.tools.conversion.rejected import Rejected
from dualcontrast.tools.conversion.sources import kinds
from dualcontrast.tools.conversion.sources import source as sources
from dualcontrast.tools.conversion.sources.lmdb_database import Lmdb
from dualcontrast.trainer.errors import UserError


@pytest.fixture
def database(tmp_path, bench):
    """20 images and their pixels by key; every second is a JPEG."""
    pixels = {}
    folder = tmp_path / "church_outdoor_train_lmdb"
    with lmdb.open(str(folder), map_size=1 << 22) as made, made.begin(write=True) as writing:
        for number in range(20):
            file, key = io.BytesIO(), f"{number * 7919 % 20:040x}"
            picture = Image.fromarray(bench.pixels(number))
            picture.save(file, "jpeg" if number % 2 else "webp", lossless=True)
            writing.put(key.encode(), file.getvalue())
            pixels[key] = None if number % 2 else np.asarray(picture)
    (folder / "lock.mdb").unlink()
    folder.chmod(0o555)
    yield folder, pixels
    folder.chmod(0o755)


def test_images_are_in_the_order_of_their_keys_whatever_their_format(database):
    folder, pixels = database
    source = kinds.open_source(str(folder))
    assert isinstance(source, Lmdb)
    entries = source.listing().entries
    assert [entry.name for entry in entries] == sorted(pixels)
    for entry, opener in zip(entries[::-1], source.openers(entries[::-1])):
        content = opener().read()
        assert len(content) == entry.bytes
        if pixels[entry.name] is not None:
            received = pixel_formats.read(content, 1000)
            np.testing.assert_array_equal(np.asarray(received), pixels[entry.name])
        else:
            assert content.startswith(b"\xff\xd8")


def test_nothing_is_written_beside_it(database):
    folder, _ = database
    kinds.open_source(str(folder)).listing()
    assert [path.name for path in folder.iterdir()] == ["data.mdb"]


def test_the_file_itself_may_be_given(database):
    folder, pixels = database
    assert len(kinds.open_source(str(folder / "data.mdb")).listing().entries) == len(pixels)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_database_that_was_cut_is_refused_before_it_ends_the_process(database, tmp_path, share):
    content = (database[0] / "data.mdb").read_bytes()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "data.mdb").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match="cannot be read as an LMDB database") as caught:
        Lmdb(str(tmp_path / "cut")).listing()
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"no database" * 1000)
    with pytest.raises(UserError, match="cannot be read as an LMDB database"):
        Lmdb(str(tmp_path)).listing()


def test_a_value_that_is_too_large_is_rejected(database, monkeypatch):
    source = Lmdb(str(database[0]))
    entries = source.listing().entries
    monkeypatch.setattr(sources, "MAX_BYTES", 10)
    with pytest.raises(Rejected, match="more than 10"):
        next(source.openers(entries))()
