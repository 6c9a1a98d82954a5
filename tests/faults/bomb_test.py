"""Small files that were made to take all time or memory, and archives with names that lie."""

import csv
import io
import os
import pathlib
import stat
import struct
import subprocess
import sys
import zipfile
import zlib

import pytest
from PIL import Image

SOUND = 3
MOST_MEMORY = 500 << 20  # Bytes, of the command and of each of its workers.
# The command, and a last line that says how much memory it took.
MEASURED = """
import resource
from dualcontrast.tools import convert
if __name__ == "__main__":
    try:
        convert.run()
    finally:
        # Not ru_maxrss, which begins with what the process had before this program.
        with open("/proc/self/status", encoding="ascii") as file:
            (own,) = [int(line.split()[1]) for line in file if line.startswith("VmHWM")]
        print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024)
"""
LIMITS = ("--image_seconds=2", "--image_megabytes=200")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, bits: int, colour_type: int, row: int, extra: bytes = b""
) -> bytes:
    """A black PNG with `row` bytes a row."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    deflate = zlib.compressobj(1)
    parts = [deflate.compress(bytes(row + 1)) for _ in range(height)]
    data = b"".join(parts) + deflate.flush()
    chunks = chunk(b"IHDR", header) + extra + chunk(b"IDAT", data)
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b"")


def promise(width: int, height: int) -> bytes:
    """A PNG whose header promises more pixels than there are."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0")), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def scans(count: int, side: int) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    content = saved(Image.new("RGB", (side, side), "red"), "jpeg", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + b"\xff\xd9"


# Name and content. They promise, unpack to, or compute for more than the limits.
BOMBS = {
    "pixels.png": lambda: promise(100_000, 100_000),
    "row.png": lambda: promise(2**31 - 1, 1),
    "pixels.gif": lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + bytes(99),
    "pixels.bmp": lambda: b"BM" + struct.pack("<IHHIIiiHH", 54, 0, 0, 54, 40, 9**9, 9**9, 1, 24),
    "pixels.ppm": lambda: b"P6 99999 99999 255\n" + bytes(999),
    "deep.png": lambda: png(6900, 6900, 16, 6, 8 * 6900),
    "rgba.png": lambda: png(7000, 7000, 8, 6, 4 * 7000),
    "scans.jpg": lambda: scans(3000, 512),
    "few_large_scans.jpg": lambda: scans(190, 4000),
    "comment.ppm": lambda: b"P6\n#" + b"x" * 50_000_000 + b"\n8 8\n255\n" + bytes(192),
    "comments.pgm": lambda: b"P5\n" + b"#\n" * 5_000_000 + b"8 8 255\n" + bytes(64),
    "text.ppm": lambda: b"P3 4000 4000 255\n" + b"1 " * 48_000_000,
}
PART = ("pixels.png", "comment.ppm", "scans.jpg", "deep.png")

# Names of members; each archive also holds two, or a link, or a device of that name.
NAMES = {
    "parent": "../../up.png",
    "far parent": "../" * 40 + "tmp/up.png",
    "absolute": "/absolute.png",
    "two slashes": "//host/share.png",
    "backslashes": "..\\..\\windows.png",
    "drive": "C:\\drive.png",
    "inner parent": "a/../../b.png",
    "link": "link.png",
    "device": "device.png",
    "twice": "twice.png",
    "right to left": "unicode\u202egnp.png",
    "full-width dots": "\uff0e\uff0e/up.png",
    "line": "new\nline.png",
    "long": "long/" * 400 + "name.png",
}
CLIMBING = {
    *("parent", "far parent", "absolute", "two slashes", "backslashes", "drive", "inner parent")
}
PART_OF_NAMES = ("parent", "link", "twice")


def sound() -> bytes:
    return saved(Image.new("RGB", (16, 16), "blue"), "png")


def convert(source: pathlib.Path, dest: pathlib.Path, *flags: str):
    """Converts in one process; returns it, the peak of its memory in bytes, and its rows."""
    command = [sys.executable, dest.parent / "measured.py", f"--source={source}"]
    (dest.parent / "measured.py").write_text(MEASURED)
    command += [f"--dest={dest}", "--resolution=8", "--crop=center", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    peak = int(done.stdout.splitlines()[-1])
    rows = []
    if (dest / "rejected.csv").exists():
        with open(dest / "rejected.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    return done, peak, rows


def defuse(names, folder: pathlib.Path, workers: int) -> None:
    source = folder / "in"
    source.mkdir()
    for number in range(SOUND):
        (source / f"sound{number}.png").write_bytes(sound())
    for name in names:
        (source / name).write_bytes(BOMBS[name]())
    done, peak, rows = convert(source, folder / "data", f"--workers={workers}", *LIMITS)
    assert done.returncode == 0, done.stderr
    assert f"{SOUND} kept, {len(names)} rejected" in done.stdout
    assert {row["path"] for row in rows} == set(names)
    assert peak < MOST_MEMORY
    assert all("\n" not in row["reason"] for row in rows)


def test_some_bombs_are_rows(tmp_path, count_faults):
    count_faults("bombs", len(PART))
    defuse(PART, tmp_path, 1)


@pytest.mark.faults
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", BOMBS)
def test_all_bombs_are_rows(name, workers, tmp_path, count_faults):
    count_faults("bombs", 1 if workers == 1 else 0)
    defuse([name], tmp_path, workers)


def open_archive(kind: str, folder: pathlib.Path) -> None:
    (folder / "in").mkdir()
    member = zipfile.ZipInfo(NAMES[kind])
    modes = {"link": stat.S_IFLNK | 0o777, "device": stat.S_IFCHR | 0o666}
    member.external_attr = modes.get(kind, stat.S_IFREG | 0o644) << 16
    content = b"/etc/passwd" if kind == "link" else sound()
    with zipfile.ZipFile(folder / "in" / "a.zip", "w") as archive:
        archive.writestr(member, content)
        archive.writestr("sound.png", sound())
        if kind == "twice":
            with pytest.warns(UserWarning):
                archive.writestr(NAMES[kind], sound())
    done, _, rows = convert(folder / "in" / "a.zip", folder / "data", "--workers=1")
    if kind in CLIMBING:
        assert done.returncode == 2 and "lies outside of the archive" in done.stderr
        assert sorted(os.listdir(folder)) == ["in", "measured.py"]
        return
    assert done.returncode == 0, done.stderr
    assert f"{ {'link': 1, 'twice': 3}.get(kind, 2)} kept, {len(rows)} rejected" in done.stdout
    assert [row["path"] for row in rows] == (["link.png"] if kind == "link" else [])
    assert sorted(os.listdir(folder)) == ["data", "in", "measured.py"]
    assert os.listdir(folder / "in") == ["a.zip"]
    kinds = {path.suffix for path in (folder / "data").iterdir()}
    assert kinds == {".tfrecord", ".csv", ".json"}


@pytest.mark.parametrize("kind", PART_OF_NAMES)
def test_some_names_of_members_are_only_names(kind, tmp_path, count_faults):
    count_faults("names in archives", 1)
    open_archive(kind, tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("kind", NAMES)
def test_all_names_of_members_are_only_names(kind, tmp_path, count_faults):
    count_faults("names in archives", 1)
    open_archive(kind, tmp_path)


def test_there_are_12_bombs_and_14_names():
    assert len(BOMBS) == 12 and len(NAMES) == 14
