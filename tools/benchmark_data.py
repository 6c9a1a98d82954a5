"""Measures how fast images are converted, rendered and read; one line a figure, with its target.

  python -m dualcontrast.tools.benchmark_data

Exits with 1 when a figure falls short of its target. A rate is that of one core: images for a
second of processor time, the best of several tries. What two workers gain is measured by the clock,
so tries during which other programs were at work do not count. What an archive, or a colour
profile, costs is the ratio of two rates of one core, whose tries take turns. So is what a data
service in another process gains, by the processor time of the reading process alone, which is what
a training keeps, and by the clock. The images are rendered scenes with texture and noise, which
compress about as well as photographs.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
import numpy as np
from PIL import Image, ImageCms

from dualcontrast.tools.conversion import conversion, pixels
from dualcontrast.tools.conversion.shards import Plan
from dualcontrast.tools.conversion.sources.folder import Folder
from dualcontrast.tools.conversion.sources.lmdb_database import Lmdb
from dualcontrast.tools.conversion.sources.rendered import Scenes
from dualcontrast.tools.conversion.sources.source import Entry, Source
from dualcontrast.tools.conversion.sources.tar_archive import Tar
from dualcontrast.tools.conversion.sources.zip_archive import Zip
from dualcontrast.tools.scenes import scenes
from dualcontrast.trainer import errors
from dualcontrast.trainer.data import manifest

_IMAGES = 160  # Files of each kind.
_PASSES = 4  # Over the files when the clock is used: the start of the workers must not count.
_TRIES = 3
_TURNS = 10  # Of the sides of a ratio; their best differ by a few hundredths still.
_MOST_TRIES = 4  # Until there are so many that nothing else disturbed.
_DISTURBANCE = 0.1  # Processors that other programs may use during a try.


def main(argv: list[str]) -> int:
    """Prints every figure and returns 1 if one falls short."""
    errors.no_arguments(argv)
    with tempfile.TemporaryDirectory() as folder:
        reached = list(_figures(Path(folder)))
    return 0 if all(reached) else 1


def _figures(folder: Path) -> Iterator[bool]:
    """Prints one figure after the other and yields whether each reaches its target."""
    rate = _best_rate(100, lambda: [scenes.render(0, index, 64) for index in range(100)])
    yield _show("render scenes of 64x64", rate, "images/s", 100)
    for suffix, target in ((".png", 150), (".jpg", 200)):
        source = _write_photographs(folder / suffix[1:], suffix)
        rate = _best_rate(_IMAGES, lambda: _convert(source, source.listing().entries, folder, 1))
        yield _show(f"convert 256x256 {suffix[1:]} to PNG records", rate, "images/s", target)
        if len(os.sched_getaffinity(0)) > 1:
            gain = _gain_of_two_workers(source, folder)
            yield _show(f"convert {suffix[1:]} with 2 workers, gain", gain, "times", 1.8)
    yield from _ratios_of_archives(folder)
    yield from _ratios_of_profiles(folder)
    yield _show("read and mirror PNG records of 64x64", _reading_rate(folder), "images/s", 2000)
    yield from _ratios_of_service(folder)


def _show(what: str, value: float | None, unit: str, target: float) -> bool:
    if value is None:
        print(f"{what:42} not measured: other programs were at work all the time", flush=True)
        return False
    number = f"{value:8.2f}" if target < 10 else f"{value:8,.0f}"
    verdict = "ok" if value >= target else "SHORT"
    print(f"{what:42}{number} {unit:9} target {target:6,}  {verdict}", flush=True)
    return value >= target


def _best_rate(images: int, work: Callable[[], object]) -> float:
    """Images for a second of processor time."""

    def measure() -> float:
        start = time.process_time()
        work()
        return images / (time.process_time() - start)

    return max(measure() for _ in range(_TRIES))


def _gain_of_two_workers(source: Folder, folder: Path) -> float | None:
    """How many times as fast two workers are as one, once they have started."""
    entries = source.listing().entries * _PASSES
    one = _quiet(lambda: _convert(source, source.listing().entries, folder, 1))
    two = _quiet(lambda: _convert(source, entries, folder, 2))
    return two / one if one and two else None


def _quiet(measure: Callable[[], float]) -> float | None:
    """The best of the tries during which little else ran, or None."""
    found: list[float] = []
    for _ in range(_MOST_TRIES):
        others, start = _seconds_of_others(), time.perf_counter()
        value = measure()
        disturbance = (_seconds_of_others() - others) / (time.perf_counter() - start)
        found += [value] * (disturbance < _DISTURBANCE)
        if len(found) == _TRIES:
            break
    return max(found, default=None)


def _ratios_of_archives(folder: Path) -> Iterator[bool]:
    """How fast JPEG files are converted from archives, as a share of the rate from their folder."""
    files = folder / "jpg"
    shutil.make_archive(str(folder / "jpg"), "zip", files)
    shutil.make_archive(str(folder / "jpg"), "tar", files)
    with lmdb.open(str(folder / "lmdb"), map_size=1 << 30) as database:
        with database.begin(write=True) as writing:
            for path in files.iterdir():
                writing.put(path.name.encode(), path.read_bytes())
    sources: dict[str, Source] = {
        "folder": Folder(str(files)),
        "zip": Zip(str(folder / "jpg.zip")),
        "tar": Tar(str(folder / "jpg.tar")),
        "LMDB": Lmdb(str(folder / "lmdb")),
    }
    rates = _rates({name: (source, "srgb") for name, source in sources.items()}, folder)
    for name in list(sources)[1:]:
        share = rates[name] / rates["folder"]
        yield _show(f"convert jpg from {name}, to a folder's rate", share, "times", 0.9)


def _ratios_of_profiles(folder: Path) -> Iterator[bool]:
    """What is left of the rate where colours are converted, and where there are no profiles."""
    profile = _wide_profile()
    for suffix in ("png", "jpg"):
        plain, profiled = folder / suffix, folder / f"{suffix}-profiles"
        profiled.mkdir()
        for path in plain.iterdir():
            with Image.open(path) as picture:
                picture.save(profiled / path.name, quality=90, icc_profile=profile)
        asked = {
            "without": (Folder(str(plain)), "ignore"),
            "without, looked for": (Folder(str(plain)), "srgb"),
            "with, ignored": (Folder(str(profiled)), "ignore"),
            "with": (Folder(str(profiled)), "srgb"),
        }
        _rates({"with": asked["with"]}, folder)  # A profile's table is filled once a process.
        rates = _rates(asked, folder)
        share = rates["with"] / rates["with, ignored"]
        yield _show(f"convert 256x256 {suffix} with colour profiles", share, "times", 0.9)
        share = rates["without, looked for"] / rates["without"]
        yield _show(f"convert 256x256 {suffix} without profiles", share, "times", 0.98)
    files = folder / "large"
    _write_photographs(files, ".jpg", 1024, icc_profile=profile)
    asked = {"ignored": (Folder(str(files)), "ignore"), "with": (Folder(str(files)), "srgb")}
    rates = _rates(asked, folder)
    share = rates["with"] / rates["ignored"]
    yield _show("convert 1024x1024 jpg to 256x256 with them", share, "times", 0.9)


def _wide_profile() -> bytes:
    """sRGB's profile with red and green changed places: one that moves nearly all colours."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")


def _rates(asked: dict[str, tuple[Source, str]], folder: Path) -> dict[str, float]:
    """Images for a second of processor time: of each source, with what becomes of profiles."""
    best = dict.fromkeys(asked, 0.0)
    for _ in range(_TURNS):
        for name, (source, icc) in asked.items():
            start = time.process_time()
            entries = source.listing().entries
            _write(source, entries, 256, folder / "converted", 1, lambda count: None, icc)
            best[name] = max(best[name], len(entries) / (time.process_time() - start))
            shutil.rmtree(folder / "converted")
    return best


def _seconds_of_others() -> float:
    """Processor time that all other programs of this machine have used since it started."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, *interrupts_and_steal = map(int, file.readline().split()[1:9])
    ticks = user + nice + system + sum(interrupts_and_steal)
    return ticks / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def _write_photographs(folder: Path, suffix: str, size: int = 256, **options) -> Folder:
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(_IMAGES):
        image = scenes.render(0, index % 16, 256).astype(np.float32)
        coarse = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        texture = Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC)
        image += 0.12 * (np.asarray(texture, np.float32) - 128) + random.normal(0, 3, image.shape)
        picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
        picture.save(folder / f"{index:05d}{suffix}", quality=90, **options)
    return Folder(str(folder))


def _convert(source, entries: list[Entry], folder: Path, processes: int) -> float:
    """Converts and returns images a second, by the clock, from the first progress to the end."""
    shown = []
    dest = folder / "converted"
    _write(source, entries, 256, dest, processes, lambda n: shown.append((time.perf_counter(), n)))
    shutil.rmtree(dest)
    (start, first), *_, (end, last) = [(moment, count) for moment, count in shown if count]
    return (last - first) / (end - start)


def _write(
    source, entries, resolution: int, dest: Path, processes: int, on_count, icc: str = "srgb"
) -> None:
    white = (255, 255, 255)
    rules = pixels.Rules(resolution, "none", "lanczos", "rgb", white, False, 1 << 20, icc)
    shards = conversion.split(entries, 16, rules, "png")
    plan = Plan(source, rules, "png", len(shards))
    runner = conversion.on_this_machine(processes)
    conversion.run(plan, shards, {}, "benchmark", dest, runner, on_count)


def _reading_rate(folder: Path) -> float:
    """Images for a second of processor time of a loop that does nothing but read."""
    from dualcontrast.trainer.data import (
        image_stream,  # TensorFlow, after the start of all workers.
    )

    source = Scenes(256, 64, 0)
    _write(source, source.listing().entries, 64, folder / "read", 1, lambda count: None)
    dataset = manifest.open_dataset(folder / "read")
    batches = iter(
        image_stream.image_batches(dataset, batch_size=32, seed=0, start_image=0, mirror=True)
    )
    next(batches)
    return _best_rate(100 * 32, lambda: [next(batches) for _ in range(100)])


def _ratios_of_service(folder: Path) -> Iterator[bool]:
    """How fast 256x256 PNG records are read through a data service, to reading them here."""
    from dualcontrast.trainer.data import image_stream

    source = Folder(str(folder / "png"))
    _write(source, source.listing().entries, 256, folder / "served", 1, lambda count: None)
    dataset = manifest.open_dataset(folder / "served")
    command = [sys.executable, "-m", "dualcontrast.tools.data_service", "--port=0"]
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(service.terminate)
        address = service.stdout.readline().split()[-1]
        streams = {
            services: iter(
                image_stream.labelled_batches(
                    dataset, batch_size=32, seed=0, start_image=0, mirror=True, services=services
                )
            )
            for services in ((), (address,))
        }
        by_core, by_clock = dict.fromkeys(streams, 0.0), dict.fromkeys(streams, 0.0)
        for _ in range(_TRIES):
            for services, batches in streams.items():
                for _ in range(5):  # What was made while the other one was measured.
                    next(batches)
                own, start = time.process_time(), time.perf_counter()
                for _ in range(20):
                    next(batches)
                own, clock = time.process_time() - own, time.perf_counter() - start
                by_core[services] = max(by_core[services], 20 * 32 / own)
                by_clock[services] = max(by_clock[services], 20 * 32 / clock)
    gain = by_core[(address,)] / by_core[()]
    yield _show("read 256x256 PNG by a service, own time", gain, "times", 3)
    gain = by_clock[(address,)] / by_clock[()]
    yield _show("read 256x256 PNG by a service, clock", gain, "times", 0.7)


def run() -> None:
    """The command."""
    errors.run(main)


if __name__ == "__main__":
    run()
