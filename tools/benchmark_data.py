"""Measures how fast images are converted, rendered and read; one line a figure, with its target.

  python -m dualcontrast.tools.benchmark_data

Exits with 1 when a figure falls short of its target. Every figure is the best of several tries,
because another program can make a try slower but none can make it faster. The images are rendered
scenes with texture and noise, which compress about as well as photographs.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from dualcontrast.tools import conversion, pixels, scenes, sources
from dualcontrast.tools.shards import Plan
from dualcontrast.trainer import errors, manifest

_IMAGES = 240  # Files of each kind.
_COPIES = 4  # How often two workers go through them, so that their start does not count for much.
_TRIES = 3


def main(argv: list[str]) -> int:
    """Prints every figure and returns 1 if one falls short."""
    errors.no_arguments(argv)
    with tempfile.TemporaryDirectory() as folder:
        return 0 if all(_figures(Path(folder))) else 1


def _figures(folder: Path):
    """Prints one figure after the other and yields whether each reaches its target."""
    yield _show("render 64x64 scenes, one core", "images/s", _scene_rate(), 100)
    for suffix, target in ((".png", 150), (".jpg", 200)):
        source = _write_photographs(folder / suffix, suffix)
        rate = _best(lambda: _conversion_rate(source, folder, 1))
        yield _show(f"convert 256x256 {suffix} to PNG, one core", "images/s", rate, target)
        if len(os.sched_getaffinity(0)) > 1:
            pair = _best(lambda: _conversion_rate(source, folder, 2))
            yield _show(f"convert 256x256 {suffix} to PNG, 2 to 1 workers", "x", pair / rate, 1.7)
    yield _show("read 64x64 scenes, mirrored, in batches", "images/s", _reading_rate(folder), 2000)


def _show(what: str, unit: str, value: float, target: float) -> bool:
    reached = value >= target
    number = f"{value:10.2f}" if target < 10 else f"{value:10,.0f}"
    print(f"{what:46}{number} {unit:9} target {target:6,}  {'ok' if reached else 'SHORT'}")
    sys.stdout.flush()
    return reached


def _best(measure: Callable[[], float]) -> float:
    return max(measure() for _ in range(_TRIES))


def _scene_rate() -> float:
    """Scenes a second of processor time."""

    def measure() -> float:
        start = time.process_time()
        for index in range(100):
            scenes.render(0, index, 64)
        return 100 / (time.process_time() - start)

    return _best(measure)


def _write_photographs(folder: Path, suffix: str) -> sources.Folder:
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(_IMAGES):
        image = scenes.render(0, index % 24, 256).astype(np.float32)
        coarse = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        texture = Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC)
        image += 0.12 * (np.asarray(texture, np.float32) - 128) + random.normal(0, 3, image.shape)
        picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
        picture.save(folder / f"{index:05d}{suffix}", quality=90)
    return sources.Folder(str(folder))


def _conversion_rate(source: sources.Folder, folder: Path, processes: int) -> float:
    """Images a second from the first progress that is shown to the last image."""
    rules = pixels.Rules(256, "center", "lanczos", "rgb", (255, 255, 255), False, 1 << 20)
    entries = source.entries() * (_COPIES if processes > 1 else 1)
    plan = Plan(source, rules, "png", conversion.split(entries, 16, rules, "png"))
    shown = []
    dest = folder / "converted"
    conversion.run(
        plan, {}, "", dest, processes, lambda count: shown.append((time.perf_counter(), count))
    )
    shutil.rmtree(dest)
    begun = [point for point in shown if point[1]]
    (start, first), (end, last) = begun[0], begun[-1]
    return (last - first) / (end - start)


def _reading_rate(folder: Path) -> float:
    """Images a second of a loop that does nothing else."""
    from dualcontrast.trainer import data  # TensorFlow; not while the conversion is measured.

    source = sources.Scenes(512, 64, 0)
    rules = pixels.Rules(64, "none", "lanczos", "rgb", (255, 255, 255), False, 1 << 20)
    plan = Plan(source, rules, "png", conversion.split(source.entries(), 4, rules, "png"))
    conversion.run(plan, {}, "", folder / "read", 1, lambda count: None)
    dataset = manifest.open_dataset(folder / "read")
    stream = data.image_batches(dataset, batch_size=32, seed=0, start_image=0, mirror=True)
    batches = iter(stream)
    next(batches)

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(200):
            next(batches)
        return 200 * 32 / (time.perf_counter() - start)

    return _best(measure)


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
