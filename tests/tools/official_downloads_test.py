"""The commands of docs/experiments.md and docs/data.md on tiny archives in the official layouts."""

import io
import signal
import subprocess
import tarfile
import time
import zipfile

import lmdb
import numpy as np
import pytest
from PIL import Image

from dualcontrast.trainer.data import manifest


def encoded(pixels: np.ndarray, kind: str = "png") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def downloads(bench, tmp_path_factory):
    """FFHQ's folder, LSUN's zip and what it unpacks to, CLEVR's and CelebA's zips, and others."""
    root = tmp_path_factory.mktemp("downloads")
    for number in range(3):
        path = root / "images1024x1024" / "00000" / f"{number:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(bench.pixels(number, 32, 32)))
    (root / "images1024x1024" / "LICENSE.txt").write_text("CC BY-NC-SA 4.0")
    church = root / "church_outdoor_train_lmdb"
    with lmdb.open(str(church), map_size=1 << 22) as made, made.begin(write=True) as writing:
        for number in range(4):
            image = encoded(bench.pixels(number, 24, 16), "webp" if number else "jpeg")
            writing.put(f"{number * 77:040x}".encode(), image)
    with zipfile.ZipFile(root / "church_outdoor_train_lmdb.zip", "w") as archive:
        for name in ("data.mdb", "lock.mdb"):
            archive.write(church / name, f"church_outdoor_train_lmdb/{name}")
    (church / "lock.mdb").unlink()
    with zipfile.ZipFile(root / "CLEVR_v1.0.zip", "w") as archive:
        archive.writestr("CLEVR_v1.0/questions/CLEVR_train_questions.json", "{}")
        for split, count in (("train", 5), ("val", 2), ("test", 2)):
            for number in range(count):
                name = f"CLEVR_v1.0/images/{split}/CLEVR_{split}_{number:06d}.png"
                archive.writestr(name, encoded(bench.pixels(number, 48, 32, 4)))
    with zipfile.ZipFile(root / "img_align_celeba.zip", "w") as archive:
        for number in range(1, 4):
            image = encoded(bench.pixels(number, 178, 218), "jpeg")
            archive.writestr(f"img_align_celeba/{number:06d}.jpg", image)
    with zipfile.ZipFile(root / "ada.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"00000/img{number:08d}.png", encoded(bench.pixels(number)))
        labels = ", ".join(f'["00000/img{n:08d}.png", {n % 2}]' for n in range(4))
        archive.writestr("dataset.json", f'{{"labels": [{labels}]}}')
    with tarfile.open(root / "mixed.tar", "w") as archive:
        archive.add(root / "images1024x1024", "faces")
    (root / "list.txt").write_text(
        "images1024x1024/00000/00001.png\nno/such.png\n\nimages1024x1024/00000/00000.png\r\n"
    )
    (root / "page.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    (root / "cut.tar").write_bytes((root / "mixed.tar").read_bytes()[:4000])
    return root


LAYOUTS = {
    "ffhq256": (["images1024x1024", "--filter=box"], 3, "00000/00000.png"),
    "church256": (["church_outdoor_train_lmdb", "--crop=center", "--upscale"], 4, "0" * 40),
    "clevr256": (
        ["CLEVR_v1.0.zip:CLEVR_v1.0/images/train", "--crop=center"],
        5,
        "CLEVR_train_000000.png",
    ),
    "celeba128": (
        ["img_align_celeba.zip", "--crop=celeba", "--noshuffle"],
        3,
        "img_align_celeba/000001.jpg",
    ),
    "ada": (["ada.zip", "--labels={root}/ada.zip/dataset.json"], 4, "00000/img00000000.png"),
    "tar": (["mixed.tar:faces"], 3, "00000/00002.png"),
    "list": (["list.txt"], 2, "images1024x1024/00000/00000.png"),
}
WRONG = {
    "zip of lmdb": (["church_outdoor_train_lmdb.zip"], ["holds an LMDB database", "unzip"]),
    "no folder": (["CLEVR_v1.0.zip:CLEVR_v1.0/train"], ["has no folder", "CLEVR_v1.0/images/val"]),
    "7z": (["page.7z"], ["is of no kind", "Kinds of --source: a folder", "LMDB", "Unpack others"]),
    "cut": (["cut.tar"], ["cannot be read as a tar", "fetch it again"]),
    "part of a folder": (["images1024x1024:00000"], ["has no parts to choose from"]),
    "not there": (["nowhere.tar"], ["does not exist", "Kinds of --source"]),
    "no labels": (["mixed.tar", "--labels=label"], ["none of these: folders, FILE.json"]),
}


@pytest.fixture(scope="module")
def answers(bench, downloads, tmp_path_factory):
    """The folder of all conversions, and what each answered."""
    made, calls = tmp_path_factory.mktemp("made"), []
    asked = {name: words for name, (words, *_) in (LAYOUTS | WRONG).items()}
    for name, (source, *others) in asked.items():
        size = 128 if name == "celeba128" else 16
        common = [f"--dest={made / name}", f"--resolution={size}", "--workers=1"]
        others = [word.format(root=downloads) for word in others]
        calls.append([f"--source={downloads / source}", *common, *others])
    return made, dict(zip(asked, bench.calls("convert", *calls)))


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_official_download_is_one_command(bench, answers, name):
    made, done = answers
    _, count, first = LAYOUTS[name]
    assert done[name][0] == 0, done[name]
    dataset = manifest.open_dataset(made / name)
    assert dataset.count == count and dataset.rejected == (1 if name == "list" else 0)
    assert first in bench.stored(dataset)
    assert dataset.request["icc"] == "srgb"
    assert len(dataset.classes) == (2 if name == "ada" else 0)


def test_what_is_no_image_is_named_in_the_last_lines(answers):
    *_, others, last = answers[1]["ffhq256"][1].splitlines()
    assert "1 not looked at" in others and "'LICENSE.txt'" in others and "3 kept" in last


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_said_in_two_lines_and_nothing_is_written(answers, name):
    made, done = answers
    code, _, error = done[name]
    assert code == 2 and len(error.splitlines()) <= 2, error
    assert [word for word in WRONG[name][1] if word not in error] == [], error
    assert not (made / name).exists()


def test_a_killed_conversion_of_a_compressed_tar_goes_on_and_ends_as_if_it_had_not_been(
    bench, tmp_path
):
    source = bench.folder(tmp_path / "in", 120, 64)
    with tarfile.open(tmp_path / "in.tar.gz", "w:gz") as archive:
        archive.add(source, ".")
    request = [f"--source={tmp_path / 'in.tar.gz'}", "--shards=12"]
    whole = [*request, f"--dest={tmp_path / 'whole'}", "--workers=1"]
    assert bench.run("convert", *whole).returncode == 0
    dest = tmp_path / "data"
    ended = []
    for _ in range(2):
        command = bench.command("convert", *request, f"--dest={dest}", "--workers=2")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = len(list(dest.glob("images-*"))) if dest.exists() else 0
        while process.poll() is None and len(list(dest.glob("images-*"))) <= before:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        ended.append(process.wait())
    assert -signal.SIGKILL in ended, "it was done before it could be killed"
    assert bench.run("convert", *request, f"--dest={dest}", "--workers=2").returncode == 0
    assert bench.bytes_of(dest) == bench.bytes_of(tmp_path / "whole")


def test_a_note_is_a_row_and_named(bench, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        Image.fromarray(bench.pixels(number)).save(
            tmp_path / "in" / f"{number}.png", icc_profile=b"broken" if number else None
        )
    arguments = [f"--source={tmp_path / 'in'}", f"--dest={tmp_path / 'data'}", "--workers=1"]
    done = bench.run("convert", *arguments)
    assert done.returncode == 0 and "notes.csv" in done.stdout and "3 kept" in done.stdout
    rows = (tmp_path / "data" / "notes.csv").read_text().splitlines()
    assert rows[0] == "path,note" and [row.split(",")[0] for row in rows[1:]] == ["1.png", "2.png"]
    done = bench.run("convert", *arguments, "--icc=ignore")
    bench.assert_refused(done, "icc srgb -> None")
