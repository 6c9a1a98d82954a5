"""Small files are whole or absent, and what is wrong with one is said in two lines that name it."""

import ast
import errno
import json
import os
import pathlib
import subprocess
import sys

import pytest

from dualcontrast.trainer import files, progress
from dualcontrast.trainer.checkpoints import checkpoint, run_path
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import report

ROOT = pathlib.Path(__file__).parents[2]


def assert_named(caught, *words) -> None:
    """The error names the thing in a line, and what to do in another."""
    text = str(caught.value)
    assert len(text.splitlines()) == 2, text
    assert [word for word in words if str(word) not in text.splitlines()[0]] == [], text


@pytest.mark.parametrize("content", [b"\x00\xff", "grüße\n"])
def test_what_is_written_is_read(tmp_path, content):
    files.write(tmp_path / "file", content)
    expected = content if isinstance(content, bytes) else content.encode()
    assert (tmp_path / "file").read_bytes() == expected
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_old_files_and_nothing_else(tmp_path):
    whole, lines = tmp_path / "file", tmp_path / "lines"
    whole.write_text("old")
    lines.write_text('{"images_seen": 8}\n')
    script = (
        "import resource, signal, sys; from dualcontrast.trainer import errors, files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "errors.run(lambda argv: eval(argv[1]))\n"
    )
    for call in (
        f"files.write({str(whole)!r}, b'x' * 10_000)",
        f"files.write_object({str(whole)!r}, {{'text': 'x' * 10_000}})",
        f"files.append({str(lines)!r}, {{'text': 'x' * 10_000}})",
    ):
        command = [sys.executable, "-c", script, call]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 2, done.stderr
        assert "cannot be written: File too large" in done.stderr
        assert str(tmp_path) in done.stderr
    assert whole.read_text() == "old" and lines.read_text() == '{"images_seen": 8}\n'
    assert sorted(os.listdir(tmp_path)) == ["file", "lines"]


DAMAGED = {
    "cut": (b'{"count": 3, "sha2', "no JSON"),
    "empty": (b"", "no JSON"),
    "another kind": (b"[1, 2]", "no JSON object"),
    "without a field": (b'{"count": 3}', "lacks the field sha256"),
    "with a field of another kind": (b'{"count": true, "sha256": []}', "its field count"),
    "no text": (b'{"count": \xff\xfe}', "byte 10 is no UTF-8"),
    "zeros": (bytes(64), "no JSON"),
    "deep": (b"[" * 100_000, "no JSON"),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_object_is_named_with_what_is_wrong(how, tmp_path):
    content, words = DAMAGED[how]
    (tmp_path / "data.json").write_bytes(content)
    with pytest.raises(files.FileError) as caught:
        checkpoint.read_data(tmp_path)
    assert_named(caught, tmp_path / "data.json", "damaged", words)


ROWS = {
    "without its field": (b'{"phase": "warmup"}', "lacks the field images_seen"),
    "no text": (b'{"images_seen": 8, "phase": "\xe9"}', "no UTF-8"),
    "another kind": (b"17", "no JSON object"),
    "text for a number": (b'{"images_seen": 8, "loss/D": "1.0"}', "its field loss/D is no number"),
    "zeros": (bytes(20), "no JSON"),
    "two in a line": (b'{"images_seen": 8}{"images_seen": 16}', "no JSON"),
    "nothing": (b"", "no JSON"),
}


@pytest.mark.parametrize("how", ROWS)
def test_a_damaged_row_of_metrics_is_named_with_its_line(how, tmp_path):
    content, words = ROWS[how]
    path = tmp_path / run_path.METRICS_NAME
    damaged = b'{"images_seen": 0}\n' + content + b'\n{"images_seen": 16}\n'
    path.write_bytes(damaged)
    with pytest.raises(UserError) as caught:
        progress.Log(tmp_path, 16)
    assert_named(caught, f"{path}, line 2", words)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    "line, words",
    [
        (b'{"images_seen": 8}', "lacks the field estimates"),
        (b'{"images_seen": "8", "estimates": {}}', "its field images_seen"),
        (b'{"images_seen": 8, "estimates": {"fid": {"deviation": 1.0}}}', "fid has no value"),
        (b'{"images_seen": 8, "estimates": {"fid": 3}}', "fid has no value"),
        (b'{"images_seen": 8, "estimates": {}, "protocol": [1]}', "its protocol is no object"),
        (b'{"images_seen": 8, "estimates": {}, "protocol": {"extractors": {"main": 1}}}', "names"),
        (b'{"images_seen": 8, "estimates": {}, "versions": "2.21"}', "its versions"),
    ],
)
def test_a_damaged_row_of_an_evaluation_is_named(line, words, tmp_path):
    path = tmp_path / report.FILE_NAME
    path.write_bytes(line + b"\n")
    with pytest.raises(UserError, match=f"line 1 is damaged.*({words})"):
        report.checked_rows(path)


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"version": 1}', b"[]", b'{"version": 9}'])
def test_a_damaged_manifest_is_named(content, tmp_path):
    (tmp_path / manifest.FILE_NAME).write_bytes(content)
    with pytest.raises(UserError, match=f"{tmp_path}/{manifest.FILE_NAME}"):
        manifest.open_dataset(tmp_path)


# The calls by which a training writes to its folder.
WRITES = {
    "claim": lambda run, config, data: checkpoint.claim(run, config, data),
    "log": lambda run, config, data: progress.Log(run, 0).write({"images_seen": 8}),
    "log again": lambda run, config, data: progress.Log(run, 0),
    "evaluation": lambda run, config, data: report.append(run / report.FILE_NAME, {"fid": 1.0}),
}


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("what", WRITES)
def test_a_folder_that_cannot_be_written_to_is_named(
    what, number, dataset, tiny_config, tmp_path, monkeypatch
):
    (tmp_path / run_path.METRICS_NAME).write_text('{"images_seen": 0}\n')

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)  # of what is written whole
    monkeypatch.setattr(os, "write", refuse)  # of what is added
    with pytest.raises(UserError) as caught:
        WRITES[what](tmp_path, tiny_config, dataset)
    monkeypatch.undo()
    assert_named(caught, tmp_path, "cannot be written", os.strerror(number))
    assert not list(tmp_path.glob("*.tmp"))
    assert (tmp_path / run_path.METRICS_NAME).read_text() == '{"images_seen": 0}\n'


@pytest.mark.parametrize(
    "before, after",
    [
        ("", '{"n": 1}\n'),
        ('{"n": 0}\n', '{"n": 0}\n{"n": 1}\n'),
        ('{"n": 0}\n{"n"', '{"n": 0}\n{"n": 1}\n'),
        ('{"n": 0}', '{"n": 0}\n{"n": 1}\n'),
        ("{" + "x" * 10_000, '{"n": 1}\n'),
    ],
)
def test_a_line_is_added_after_what_a_killed_process_left(before, after, tmp_path):
    (tmp_path / "rows").write_text(before)
    files.append(tmp_path / "rows", {"n": 1})
    assert (tmp_path / "rows").read_text() == after


def test_the_last_line_may_be_unfinished_and_others_may_be_passed_over(tmp_path):
    (tmp_path / "rows").write_bytes(b'{"n": 0}\n\xff\n{"m": 1}\n{"n": 2}\n{"n": ')
    assert files.read_sound_rows(tmp_path / "rows", {"n": int}) == [{"n": 0}, {"n": 2}]
    with pytest.raises(files.FileError, match="line 2 is damaged"):
        files.read_rows(tmp_path / "rows")
    (tmp_path / "rows").write_bytes(b'{"n": 0}\n{"n": ')
    assert files.read_rows(tmp_path / "rows", {"n": int}) == [{"n": 0}]
    assert files.read_rows(tmp_path / "none") == []


def test_what_is_missing_is_told_from_what_cannot_be_read(tmp_path):
    for path in (tmp_path / "none", tmp_path / "file" / "below"):
        (tmp_path / "file").touch()
        with pytest.raises(files.Missing):
            files.read_bytes(path)
    with pytest.raises(files.FileError, match="Is a directory") as caught:
        files.read_bytes(tmp_path)
    assert not isinstance(caught.value, files.Missing)
    with pytest.raises(files.FileError, match="--output=x cannot be written: Not a directory"):
        files.make_folder(tmp_path / "file" / "below", "--output=x")


# Who reads or writes besides trainer/files.py, and guards what it does.
OWN_GUARD = {
    "trainer/console.py": "descriptors",
    "trainer/quiet_tensorflow.py": "descriptors",
    "trainer/tensorflow_start.py": "descriptors",
    "trainer/folder_lock.py": "a file that is locked",
    "trainer/literal_path.py": "a folder's descriptor",
    "trainer/data/records.py": "in pieces",
    "trainer/data/dataset_damage.py": "in pieces",
    "trainer/checkpoints/discovery.py": "a list that nothing goes by",
    "trainer/checkpoints/writing.py": "what TensorFlow writes",
    "trainer/checkpoints/run_folder.py": "a record that nothing goes by",
    "trainer/trust/saved_model.py": "a model, which may be damaged",
    "tools/benchmarks/peak_memory.py": "/proc",
    "tools/benchmark_data.py": "/proc",
    "tools/benchmarks/quiet_clock.py": "/proc",
    "tools/conversion/beam_pipeline.py": "inside of conversion.run",
    "tools/conversion/decode_bounds.py": "/proc",
    "tools/conversion/decoder_noise.py": "descriptors",
    "tools/conversion/shards.py": "in pieces, inside of conversion.run",
    "tools/crosschecks/peer_networks.py": "runs in the Python of the other program",
    "tools/conversion/sources/source.py": "images, each of which may be damaged",
    "tools/conversion/sources/arrays.py": "in pieces",
    "tools/conversion/sources/cifar.py": "archives, each of which may be damaged",
    "tools/conversion/sources/lmdb_database.py": "its first bytes",
    "tools/conversion/sources/stylegan_records.py": "in pieces",
    "tools/conversion/sources/folder.py": "inside of labels.read",
    "tools/conversion/sources/staging.py": "in pieces, inside of conversion.run",
    "tools/conversion/sources/tar_archive.py": "in pieces",
}
READS = {"read_text", "read_bytes", "write_text", "write_bytes"}


def is_guarded(node: ast.With) -> bool:
    text = ast.unparse(node.items[0].context_expr)
    return text.startswith(("files.reading(", "files.writing("))


def raw_calls(node: ast.AST):
    """Yields the calls that open a file outside of a guard."""
    if isinstance(node, ast.With) and is_guarded(node):
        return
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        method = name.rpartition(".")[2]
        if name in ("open", "os.open", "json.load") or (
            method in READS and not name.startswith("files.")
        ):
            yield node.lineno, name
    for child in ast.iter_child_nodes(node):
        yield from raw_calls(child)


def test_small_files_are_read_and_written_in_one_place():
    found = {}
    for package in ("trainer", "tools"):
        for path in (ROOT / package).rglob("*.py"):
            calls = list(raw_calls(ast.parse(path.read_text(encoding="utf-8"))))
            if calls and path.name != "files.py":
                found[str(path.relative_to(ROOT))] = calls
    assert {name: calls for name, calls in found.items() if name not in OWN_GUARD} == {}


def test_an_object_is_written_as_people_read_it(tmp_path):
    files.write_object(tmp_path / "file", {"count": 3})
    assert json.loads((tmp_path / "file").read_text()) == {"count": 3}
    assert (tmp_path / "file").read_text().endswith("}\n")
