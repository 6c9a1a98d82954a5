"""A conversion that is killed and started again has every byte of one that was let be."""

import io
import pathlib
import random
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

IMAGES, SIDE, SHARDS, KILLS = 20_000, 8, 40, 5


@pytest.fixture(name="source")
def _source(tmp_path) -> pathlib.Path:
    """A zip of so many PNG files of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE, 3), np.uint8)
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, image in enumerate(pixels):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "PNG")
            archive.writestr(f"{number % 100:02d}/{number:05d}.png", file.getvalue())
    return path


def start(source: pathlib.Path, dest: pathlib.Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "dualcontrast.tools.convert", f"--source={source}"]
    command += [f"--dest={dest}", f"--shards={SHARDS}", "--workers=2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.faults
def test_a_large_conversion_is_resumed_after_kills_at_random_points(source, tmp_path, count_faults):
    count_faults("kills of a conversion", KILLS)
    began = time.monotonic()
    whole = start(source, tmp_path / "whole")
    said, wrong = whole.communicate()
    assert whole.returncode == 0 and f"{IMAGES:,} kept, 0 rejected" in said, said + wrong
    seconds = time.monotonic() - began
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed of the moments: {seed}")
    moments, dest = random.Random(seed), tmp_path / "killed"
    shards = [0]
    for _ in range(KILLS):
        process = start(source, dest)
        # Of what a conversion takes; the last of the shares that are left is for the end.
        time.sleep(moments.uniform(0, seconds / KILLS))
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        shards.append(len(list(dest.rglob("*.tfrecord"))))
    assert shards == sorted(shards) and shards[-1] < SHARDS
    process = start(source, dest)
    said, wrong = process.communicate()
    assert process.returncode == 0 and f"{IMAGES:,} kept, 0 rejected" in said, said + wrong
    assert contents(dest) == contents(tmp_path / "whole")
