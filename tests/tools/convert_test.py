"""The converter as a user runs it: good input, bad input, interruptions."""

import csv
import io
import os
import random
import signal
import struct
import subprocess
import sys
import time
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer.data import manifest


@pytest.fixture(scope="module")
def folder(bench, tmp_path_factory):
    """60 images of 16x16 pixels."""
    return bench.folder(tmp_path_factory.mktemp("source") / "images", 60)


@pytest.fixture(scope="module")
def dataset(bench, folder, tmp_path_factory):
    """The folder, converted."""
    return bench.convert(folder, tmp_path_factory.mktemp("dest") / "data", "--shards=4")


def rejected(made) -> dict[str, dict[str, str]]:
    path = made.folder / "rejected.csv"
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def test_every_image_is_stored_once_with_its_pixels(bench, dataset):
    stored = bench.stored(dataset)
    assert len(stored) == dataset.count == 60
    for name, data in stored.items():
        number = int(name.removeprefix("below/").removesuffix(".png"))
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(data))), bench.pixels(number)
        )


def test_the_manifest_says_how_it_was_made(dataset, folder):
    assert (dataset.resolution, dataset.channels, dataset.encoding) == (16, 3, "png")
    assert (dataset.crop, dataset.filter, dataset.source) == ("none", "lanczos", str(folder))
    assert [shard.records for shard in dataset.shards] == [15, 15, 15, 15]
    assert dataset.request["background"] == [255, 255, 255]
    assert rejected(dataset) == {}


def test_nothing_is_left_but_the_dataset(dataset):
    names = {path.name for path in dataset.folder.iterdir()}
    shards = {manifest.shard_name(index, 4) for index in range(4)}
    assert names == shards | {"manifest.json", "rejected.csv", "passed_over.csv"}


def test_the_order_is_shuffled_by_the_seed_or_sorted(bench, folder, dataset, tmp_path):
    names = list(bench.stored(dataset))
    other = list(bench.stored(bench.convert(folder, tmp_path / "a", "--seed=1")))
    in_order = list(bench.stored(bench.convert(folder, tmp_path / "b", "--noshuffle")))
    assert sorted(names) == sorted(other) == in_order
    assert names != other and names != in_order


def test_the_result_is_the_same_for_any_number_of_workers(bench, folder, dataset, tmp_path):
    arguments = [f"--source={folder}", f"--dest={tmp_path / 'data'}", "--shards=4", "--workers=3"]
    assert bench.run("convert", *arguments).returncode == 0
    assert bench.bytes_of(tmp_path / "data") == bench.bytes_of(dataset.folder)


def test_a_zip_gives_what_the_folder_gives(bench, folder, dataset, tmp_path):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder))
    made = bench.convert(tmp_path / "images.zip", tmp_path / "data", "--shards=4")
    assert bench.stored(made) == bench.stored(dataset)
    assert made.shards == dataset.shards


def test_max_images_takes_a_sample(bench, folder, dataset, tmp_path):
    made = bench.convert(folder, tmp_path / "data", "--max_images=10")
    assert list(bench.stored(made)) == list(bench.stored(dataset))[:10]


@pytest.mark.parametrize("channels, number", [("gray", 1), ("rgba", 4)])
def test_channels_can_be_chosen(bench, folder, tmp_path, channels, number):
    made = bench.convert(folder, tmp_path / "data", f"--channels={channels}", "--max_images=3")
    assert made.channels == number
    for data in bench.stored(made).values():
        assert len(Image.open(io.BytesIO(data)).getbands()) == number


def test_jpeg_can_be_chosen(bench, folder, tmp_path):
    made = bench.convert(folder, tmp_path / "data", "--encoding=jpeg", "--max_images=3")
    assert made.encoding == "jpeg"
    assert {Image.open(io.BytesIO(data)).format for data in bench.stored(made).values()} == {"JPEG"}


def test_mixed_sizes_are_brought_to_one(bench, tmp_path):
    (tmp_path / "in").mkdir()
    for number, size in enumerate([(16, 16), (40, 30), (33, 64), (17, 16)]):
        Image.fromarray(bench.pixels(number, *size)).save(tmp_path / "in" / f"{number}.png")
    made = bench.convert(tmp_path / "in", tmp_path / "data", "--resolution=16", "--crop=center")
    assert {Image.open(io.BytesIO(data)).size for data in bench.stored(made).values()} == {(16, 16)}


def test_scenes_are_rendered_not_read(bench, tmp_path):
    made = bench.convert(
        "scenes", tmp_path / "data", "--resolution=8", "--max_images=5", "--seed=3"
    )
    image = bench.stored(made)["scene 4 of seed 3"]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(image))), scenes.render(3, 4, 8))


def test_the_flags_of_scenes_reach_the_renderer_and_the_names(bench, tmp_path):
    flags = ["--solids=1", "--zoom=2", "--size=large", "--spread=0.3", "--max_images=3"]
    stored = bench.stored(bench.convert("scenes", tmp_path / "data", "--resolution=16", *flags))
    image = stored["scene 2 of seed 0, 1 to 1 solids, zoom 2, large, spread 0.3"]
    expected = scenes.render(0, 2, 16, scenes.Kind(1, 1, 2.0, "large", 0.3))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(image))), expected)


@pytest.mark.parametrize("flag", ["--solids=1", "--zoom=2", "--size=small", "--spread=0.5"])
def test_the_flags_of_scenes_are_refused_for_images(flag, bench, tmp_path):
    done = bench.calls("convert", [f"--source={tmp_path}", f"--dest={tmp_path / 'x'}", flag])
    ((code, _, err),) = done
    name = flag.partition("=")[0]
    assert code == 2 and f"{name} is for --source=scenes" in err


@pytest.mark.parametrize("flag", ["--zoom=nan", "--spread=nan", "--spread=1.5", "--size=huge"])
def test_scenes_that_cannot_be_are_refused(flag, bench, tmp_path):
    wanted = ["--source=scenes", f"--dest={tmp_path / 'x'}", "--resolution=8", "--max_images=1"]
    done = bench.run("convert", *wanted, flag)
    bench.assert_refused(done, flag)
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_read_is_a_row(bench, tmp_path):
    source = bench.folder(tmp_path / "in", 4)
    sound = (source / "000.png").read_bytes()
    (source / "cut.png").write_bytes(sound[:-40])
    (source / "empty.png").write_bytes(b"")
    (source / "page.jpg").write_text("<html>not found</html>")
    (source / 'comma, "quote".png').write_bytes(b"x")
    (source / os.fsdecode(b"\xff.png")).write_bytes(b"")
    (source / "renamed.jpg").write_bytes(sound)
    made = bench.convert(source, tmp_path / "data")
    rows = rejected(made)
    assert made.count == 5 and made.rejected == len(rows) == 5
    assert "is cut short" in rows["cut.png"]["reason"]
    assert "no image" in rows["page.jpg"]["reason"]
    assert rows["empty.png"]["bytes"] == "0"
    assert 'comma, "quote".png' in rows
    assert os.fsdecode(b"\xff.png") in rows


def test_bombs_are_rows_and_memory_stays_small(bench, tmp_path):
    source = bench.folder(tmp_path / "in", 4)
    data = bench.chunk(b"IDAT", zlib.compress(bytes(12_000 * 12_001), 9))
    header = bench.chunk(b"IHDR", struct.pack(">IIBBBBB", 12_000, 12_000, 8, 0, 0, 0, 0))
    end = bench.chunk(b"IEND", b"")
    (source / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + end)
    # An image that is sound but for 200 MB of text about it.
    text = bench.chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(200_000_000), 9))
    sound = (source / "000.png").read_bytes()
    (source / "text.png").write_bytes(sound[:33] + text + sound[33:])
    assert max(path.stat().st_size for path in source.glob("*.png")) < 300_000
    # Of the process alone: `getrusage` would begin with what this process had when it forked.
    program = (
        "from dualcontrast.tools import convert\n"
        "try: convert.run()\n"
        "finally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    arguments = [f"--source={source}", f"--dest={tmp_path / 'data'}", "--workers=1"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kilobytes = int(done.stdout.splitlines()[-1])
    rows = rejected(manifest.open_dataset(tmp_path / "data"))
    assert "12000x12000 pixels, more than" in rows["bomb.png"]["reason"]
    assert kilobytes < 200_000


def test_the_last_line_says_what_came_of_it(bench, folder, tmp_path):
    arguments = [f"--source={folder}", f"--dest={tmp_path / 'data'}", "--workers=1"]
    done = bench.run("convert", *arguments)
    assert done.stdout == f"60 kept, 0 rejected; dataset in {tmp_path / 'data'}\n"


def test_the_same_command_again_does_nothing(bench, folder, dataset):
    before = bench.bytes_of(dataset.folder)
    times = {path: path.stat().st_mtime_ns for path in dataset.folder.iterdir()}
    arguments = [f"--source={folder}", f"--dest={dataset.folder}", "--shards=4"]
    done = bench.run("convert", *arguments)
    assert done.returncode == 0 and "already" in done.stdout
    assert bench.bytes_of(dataset.folder) == before
    assert times == {path: path.stat().st_mtime_ns for path in dataset.folder.iterdir()}


BAD_REQUESTS = {
    "no source": (["--dest={new}"], ["--source is missing"]),
    "no dest": (["--source={images}"], ["--dest is missing"]),
    "wrong path": (["--source={images}/nowhere"], ["does not exist", "nowhere"]),
    "no kind": (["--source={file}"], ["file.md is of no kind", "Kinds of --source", ".tar"]),
    "empty folder": (["--source={empty}"], ["no images", ".png"]),
    "mixed sizes": (["--source={mixed}"], ["2 sizes", "16x16 (3", "32x32 (1", "--resolution=16"]),
    "not square": (["--source={oblong}"], ["16x24", "--resolution=16 --crop=center"]),
    "not square, resized": (
        ["--source={oblong}", "--resolution=16"],
        ["16x24", "--resolution=16 --crop=center"],
    ),
    "no power of two": (["--source={odd}"], ["24x24", "power of two", "--resolution=16"]),
    "resolution 24": (["--source={images}", "--resolution=24"], ["24", "power of two"]),
    "resolution 4": (["--source={images}", "--resolution=4"], ["4", "power of two from 8"]),
    "resolution text": (["--source={images}", "--resolution=big"], ["--resolution", "big"]),
    "crop": (["--source={images}", "--crop=centre"], ["--crop", "center"]),
    "squash": (["--source={images}", "--crop=squash"], ["--resolution"]),
    "encoding": (["--source={images}", "--encoding=gif"], ["--encoding", "png"]),
    "clear jpeg": (
        ["--source={images}", "--encoding=jpeg", "--channels=rgba"],
        ["transparent", "--encoding=png"],
    ),
    "background": (["--source={images}", "--background=sky"], ["sky", "white"]),
    "max_images": (["--source={images}", "--max_images=0"], ["--max_images"]),
    "scenes": (["--source=scenes", "--max_images=5"], ["--resolution=64"]),
    "unknown option": (["--source={images}", "--resolutoin=8"], ["resolutoin"]),
    "loose word": (["--source={images}", "images"], ["images"]),
    "nothing readable": (["--source={broken}"], ["a.png", "no image"]),
    "too small": (["--source={images}", "--resolution=64"], ["too small for 64", "60"]),
    "no zip": (["--source={text}.zip"], ["does not exist"]),
}


@pytest.fixture(scope="module")
def places(bench, folder, tmp_path_factory):
    """Sources that lack something."""
    root = tmp_path_factory.mktemp("places")
    found = {"images": folder, "new": root / "new"}
    for name in ("empty", "mixed", "oblong", "odd", "broken"):
        found[name] = root / name
        found[name].mkdir()
    found["file"] = root / "file.md"
    found["file"].write_text("no images")
    found["text"] = root / "text"
    for number, side in enumerate((16, 16, 16, 32)):
        Image.fromarray(bench.pixels(0, side, side)).save(found["mixed"] / f"{number}.png")
    Image.fromarray(bench.pixels(0, 16, 24)).save(found["oblong"] / "a.png")
    Image.fromarray(bench.pixels(0, 24, 24)).save(found["odd"] / "a.png")
    (found["broken"] / "a.png").write_text("<html>")
    (found["empty"] / "notes.txt").write_text("nothing here")
    return found


def test_what_file_managers_leave_in_a_destination_is_no_content(bench, folder, tmp_path):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".directory"):
        (tmp_path / name).write_bytes(b"x")
    dataset = bench.convert(folder, tmp_path, "--max_images=3")
    assert dataset.count == 3 and (tmp_path / ".DS_Store").read_bytes() == b"x"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.DS_Store").write_text("mine")
    done = bench.run("convert", f"--source={folder}", f"--dest={tmp_path / 'other'}")
    bench.assert_refused(done, "is no dataset")


@pytest.mark.parametrize("arguments, words", BAD_REQUESTS.values(), ids=list(BAD_REQUESTS))
def test_bad_input_is_refused_in_two_lines_and_nothing_is_written(bench, places, arguments, words):
    arguments = [argument.format(**places) for argument in arguments]
    if (
        not any(argument.startswith("--dest") for argument in arguments)
        and "is missing" not in words[0]
    ):
        arguments.append(f"--dest={places['new']}")
    bench.assert_refused(bench.run("convert", *arguments, "--workers=1"), *words)
    assert not places["new"].exists()


def test_a_folder_with_other_files_is_refused_and_not_touched(bench, folder, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    before = bench.bytes_of(tmp_path)
    done = bench.run("convert", f"--source={folder}", f"--dest={tmp_path}")
    bench.assert_refused(done, str(tmp_path), "empty folder")
    assert bench.bytes_of(tmp_path) == before


def test_another_dataset_is_refused_and_not_touched(bench, folder, dataset):
    before = bench.bytes_of(dataset.folder)
    arguments = [f"--source={folder}", f"--dest={dataset.folder}", "--shards=4"]
    done = bench.run("convert", *arguments, "--channels=gray")
    bench.assert_refused(done, "channels rgb -> gray", "another --dest")
    assert bench.bytes_of(dataset.folder) == before


def test_a_dest_that_cannot_be_made_is_refused(bench, folder, tmp_path):
    (tmp_path / "file").write_text("")
    for dest in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nowhere"):
        done = bench.run("convert", f"--source={folder}", f"--dest={dest}", "--workers=1")
        bench.assert_refused(done, str(dest))


def test_help_shows_commands_to_copy(bench):
    done = bench.run("convert", "--help")
    assert "dualcontrast-convert --source=scenes" in done.stdout + done.stderr


def start(bench, arguments, **settings) -> subprocess.Popen:
    command = bench.command("convert", *arguments)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, start_new_session=True, text=True, **silent, **settings)


def shards_in(folder) -> list[str]:
    return sorted(path.name for path in folder.glob("images-*.tfrecord")) if folder.exists() else []


@pytest.fixture(scope="module")
def slow_request():
    """A request that takes a second or two."""
    return ["--source=scenes", "--resolution=8", "--max_images=192", "--shards=12"]


@pytest.fixture(scope="module")
def uninterrupted(bench, slow_request, tmp_path_factory):
    """What the slow request makes when it is left alone."""
    dest = tmp_path_factory.mktemp("uninterrupted") / "data"
    assert bench.run("convert", *slow_request, f"--dest={dest}").returncode == 0
    return bench.bytes_of(dest)


def test_a_killed_conversion_goes_on_and_ends_as_if_it_had_not_been(
    bench, slow_request, uninterrupted, tmp_path
):
    dest, moment = tmp_path / "data", random.Random(0)
    kept = 0
    for round_number in range(6):
        process = start(bench, [*slow_request, f"--dest={dest}", "--workers=2"])
        wanted = len(shards_in(dest)) + 1
        while process.poll() is None and len(shards_in(dest)) < wanted:
            time.sleep(0.01)
        time.sleep(moment.uniform(0, 0.1))
        process.kill()  # SIGKILL, and only of the parent: its workers must end by themselves.
        process.wait()
        assert len(shards_in(dest)) >= kept
        kept = len(shards_in(dest))
    done = bench.run("convert", *slow_request, f"--dest={dest}")
    assert done.returncode == 0, done.stderr
    assert bench.bytes_of(dest) == uninterrupted


def test_workers_end_with_a_parent_that_was_killed(bench, tmp_path):
    request = ["--source=scenes", "--resolution=64", "--max_images=5000", "--shards=2"]
    process = start(bench, [*request, f"--dest={tmp_path / 'data'}", "--workers=2"])
    half_done = tmp_path / "data" / "unfinished"
    while not half_done.exists() or len(list(half_done.glob("*.tfrecord.tmp"))) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while alive_in_group(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive_in_group(process.pid)


def alive_in_group(group: int) -> bool:
    """Whether a process of a group runs (and is no zombie)."""
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii") as file:
                state, _, of_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of_group) == group and state != "Z":
            return True
    return False


def test_an_interrupted_conversion_stops_at_once(bench, tmp_path):
    request = ["--source=scenes", "--resolution=64", "--max_images=5000"]
    process = start(bench, [*request, f"--dest={tmp_path / 'data'}", "--workers=2"])
    while not list(tmp_path.rglob("*.tfrecord.tmp")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # As Ctrl-C in a terminal does.
    _, error = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in error


def test_a_begun_conversion_of_another_request_is_refused(bench, slow_request, tmp_path):
    dest = tmp_path / "data"
    process = start(bench, [*slow_request, f"--dest={dest}", "--workers=2"])
    while process.poll() is None and not shards_in(dest):
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = bench.run("convert", *slow_request, "--seed=1", f"--dest={dest}")
    bench.assert_refused(done, "begun", "seed 0 -> 1")


def test_two_conversions_into_one_folder_are_refused(bench, slow_request, tmp_path):
    dest = tmp_path / "data"
    (dest / "unfinished").mkdir(parents=True)
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX);"
        " print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(dest / "unfinished" / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        done = bench.run("convert", *slow_request, f"--dest={dest}")
        holder.stdin.close()
    bench.assert_refused(done, "is being written by another process", "--dest")


def test_a_disk_that_is_full_is_said_in_two_lines_and_the_conversion_goes_on_later(
    bench, folder, dataset, tmp_path
):
    # A limit on the size of files stands for a full disk: both fail in write(), which is told apart
    # from a faulty image.
    dest = tmp_path / "data"
    arguments = [f"--source={folder}", f"--dest={dest}", "--shards=4", "--workers=1"]
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        " resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000));"
        " from dualcontrast.tools import convert; convert.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments], capture_output=True, text=True, check=False
    )
    bench.assert_refused(done, "cannot be written", "same command again")
    assert not (dest / "manifest.json").exists()
    assert bench.run("convert", *arguments).returncode == 0
    assert bench.bytes_of(dest) == bench.bytes_of(dataset.folder)


def test_importing_the_converter_does_not_import_tensorflow():
    command = (
        "import sys; from dualcontrast.tools import convert; print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
