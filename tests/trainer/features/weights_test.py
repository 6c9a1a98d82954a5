"""Weights from paths and pinned URLs."""

import functools
import hashlib
import http.server
import threading

import pytest

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.features import weights

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(name="source")
def _source(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "net.bin").write_bytes(CONTENT)
    return tmp_path / "source"


def kept(source) -> list[str]:
    return [path.name for path in (source.parent / "cache").rglob("*") if path.is_file()]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(name="address")
def _address(source):
    handler = functools.partial(_Quiet, directory=str(source))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_path_is_read_as_it_is(source):
    assert weights.read(str(source / "net.bin"), "--net", "a net") == CONTENT
    assert kept(source) == []


def test_a_pinned_url_is_fetched_once(source, address):
    place = f"{address}/net.bin#sha256={SHA256}"
    assert weights.read(place, "--net", "a net") == CONTENT
    assert kept(source) == [f"{SHA256}-net.bin"]
    (source / "net.bin").unlink()
    assert weights.read(place, "--net", "a net") == CONTENT


def test_a_url_that_gives_something_else_is_refused_and_nothing_is_kept(source):
    (source / "net.bin").write_bytes(b"replaced")
    with pytest.raises(UserError, match="not the one it is pinned to"):
        weights.read(f"file://{source}/net.bin#sha256={SHA256}", "--net", "a net")
    assert kept(source) == []


def test_a_url_that_gives_nothing_is_named(source, address):
    place = f"{address}/other.bin#sha256={SHA256}"
    with pytest.raises(UserError, match="other.bin cannot be fetched"):
        weights.read(place, "--net", "a net")


@pytest.mark.parametrize("ending", ["", "#sha256=", "#sha256=" + "g" * 64, "#md5=" + SHA256])
def test_a_url_without_its_digest_is_refused(source, ending):
    with pytest.raises(UserError, match="is not pinned: expected URL#sha256="):
        weights.read(f"file://{source}/net.bin{ending}", "--net", "a net")


@pytest.mark.parametrize("place", [None, "", "nowhere"])
def test_what_is_missing_is_said_in_two_lines_at_most(place):
    with pytest.raises(UserError, match="(?s)^--net.* a net from there$") as caught:
        weights.read(place, "--net", "a net from there")
    assert len(str(caught.value).splitlines()) <= 2


def test_a_folder_has_another_digest_when_a_file_changes(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    before = weights.digest_folder(tmp_path)
    assert weights.digest_folder(tmp_path) == before
    (tmp_path / "a").write_bytes(b"2")
    assert weights.digest_folder(tmp_path) != before
