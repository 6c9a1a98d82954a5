"""Conversion by Apache Beam's local runner: the same dataset as without, to the byte."""

import importlib.util
import os
import signal
import subprocess
import sys
import tarfile
import time

import pytest
from PIL import Image

from dualcontrast.tools.conversion import pixels
from dualcontrast.tools.conversion.shards import Job, Plan
from dualcontrast.tools.conversion.sources.folder import Folder
from dualcontrast.tools.conversion.sources.staging import Part
from dualcontrast.trainer.errors import UserError

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="apache-beam is not installed: pip install -e '.[beam]'",
)
FLAGS = ["--shards=5", "--runner=DirectRunner"]


@pytest.fixture(scope="module")
def folder(bench, tmp_path_factory):
    """60 images, one of them twice, a broken one, and a file that is none."""
    path = bench.folder(tmp_path_factory.mktemp("source") / "images", 60)
    Image.fromarray(bench.pixels(7)).save(path / "seven.webp", lossless=True)
    (path / "broken.png").write_bytes(b"\x89PNG\r\n")
    (path / "notes.md").touch()
    return path


@pytest.fixture(scope="module")
def local(bench, folder, tmp_path_factory):
    """The folder, converted without Beam."""
    return bench.convert(folder, tmp_path_factory.mktemp("dest") / "data", "--shards=5")


@needs_beam
@pytest.mark.parametrize("workers", [1, 2])
def test_beam_writes_the_dataset_that_the_local_converter_writes(
    bench, folder, local, tmp_path, workers
):
    dest = tmp_path / "data"
    arguments = [f"--source={folder}", f"--dest={dest}", f"--workers={workers}", *FLAGS]
    done = bench.run("convert", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "61 kept, 1 rejected" in done.stdout
    assert bench.bytes_of(dest) == bench.bytes_of(local.folder)
    assert {"rejected.csv", "passed_over.csv", "near_duplicates.csv"} <= {
        path.name for path in dest.iterdir()
    }


@needs_beam
def test_beam_gets_the_images_of_an_archive_that_is_read_once(bench, folder, tmp_path):
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
        archive.add(folder, ".")
    source = f"--source={tmp_path / 'images.tar.gz'}"
    for name, flags in {"beam": FLAGS, "local": FLAGS[:1]}.items():
        done = bench.run("convert", source, f"--dest={tmp_path / name}", *flags)
        assert done.returncode == 0, done.stderr
    assert bench.bytes_of(tmp_path / "beam") == bench.bytes_of(tmp_path / "local")


@needs_beam
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_what_a_pipeline_has_finished_before_its_end_is_kept_by_whoever_goes_on(
    bench, folder, local, tmp_path, end
):
    dest, source = tmp_path / "data", f"--source={folder}"
    command = bench.command("convert", source, f"--dest={dest}", "--workers=1", *FLAGS)
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not list(dest.glob("unfinished/images-*.json")):
            time.sleep(0.02)
        os.killpg(process.pid, end)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130 if end == signal.SIGINT else -end, b"")
    finished = {path: path.stat().st_mtime_ns for path in dest.glob("images-*.tfrecord")}
    assert finished and not (dest / "manifest.json").exists()
    assert bench.run("convert", source, f"--dest={dest}", "--shards=5").returncode == 0
    assert bench.bytes_of(dest) == bench.bytes_of(local.folder)
    kept = [path for path, moment in finished.items() if path.stat().st_mtime_ns == moment]
    assert len(kept) >= len(finished) - 1  # One may have been there without its note.


@needs_beam
def test_a_machine_without_the_source_fails_the_pipeline_and_rejects_nothing(folder, tmp_path):
    from dualcontrast.tools.conversion import beam_pipeline

    source = Folder(str(folder))
    entries = source.listing().entries
    rules = pixels.Rules(16, "none", "lanczos", "rgb", (255, 255, 255), False, 10_000)
    (tmp_path / "unfinished").mkdir()
    jobs = [Job(0, Part(source, entries))]
    elsewhere = Plan(Folder(str(tmp_path / "photos")), rules, "png", 1)
    run = beam_pipeline.runner("DirectRunner", [], 1)
    with pytest.raises(UserError, match=r"failed: .*photos is no folder on \S+\.\nMend that"):
        list(run(elsewhere, tmp_path, jobs, lambda count: None))
    assert not list(tmp_path.glob("images*"))


@needs_beam
def test_what_beam_refuses_is_said_before_anything_is_written(bench, folder, tmp_path):
    source, dest = f"--source={folder}", f"--dest={tmp_path / 'data'}"
    calls = bench.calls(
        "convert",
        [source, dest, "--runner=Nobody"],
        [source, dest, "--runner=DirectRunner", "--runner_options=direct_num_workers=many"],
        [source, dest, "--runner=DataflowRunner"],
        [source, dest, "--runner_options=project=p"],
    )
    expected = ["runner: Nobody", "invalid int value: 'many'", "option: project", "for a --runner"]
    for (code, _, error), words in zip(calls, expected, strict=True):
        assert code == 2 and words in error and error.count("\n") <= 2
    assert not (tmp_path / "data").exists()


def test_a_runner_without_beam_is_refused_in_two_lines(folder, tmp_path):
    program = (
        "import sys; sys.modules['apache_beam'] = None; sys.argv[0] = 'dualcontrast-convert'\n"
        "from dualcontrast.tools import convert; convert.run()"
    )
    flags = [f"--source={folder}", f"--dest={tmp_path / 'data'}", "--runner=DirectRunner"]
    done = subprocess.run(
        [sys.executable, "-c", program, *flags], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'dualcontrast[beam]'" in done.stderr and done.stderr.count("\n") == 2
    assert not (tmp_path / "data").exists()


def test_images_that_look_alike_are_named_with_the_first_of_them(local):
    rows = (local.folder / "near_duplicates.csv").read_text().splitlines()
    assert rows[0] == "path,hash,like"
    assert [row.split(",")[::2] for row in rows[1:]] == [
        ["below/007.png", "below/007.png"],
        ["seven.webp", "below/007.png"],
    ]
