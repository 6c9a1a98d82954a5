"""A conversion from its first look at the destination to the manifest.

    DEST/unfinished/request.json    what is being made; a run with another request is refused
    DEST/unfinished/lock            held by the run at work, released by the kernel when it dies
    DEST/unfinished/*.json          a note for each finished shard
    DEST/unfinished/*.tmp           shards at work; those of a run that died are removed

When all shards are there, rejected.csv, passed_over.csv, perhaps notes.csv and
near_duplicates.csv, and then the manifest appear, and `unfinished` goes.
"""

import csv
import io
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from dualcontrast.tools.conversion import likeness, pixels, shards, workers
from dualcontrast.tools.conversion.shards import UNFINISHED, Job, Plan, Written
from dualcontrast.tools.conversion.sources import staging
from dualcontrast.tools.conversion.sources.source import Entry, Other, Source
from dualcontrast.trainer import files, folder_lock
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.errors import UserError

REJECTED = "rejected.csv"
PASSED_OVER = "passed_over.csv"
NOTES = "notes.csv"  # Only where there are some,
NEAR_DUPLICATES = "near_duplicates.csv"  # and so this.
REQUEST = "request.json"
# What file managers leave in every folder that they show.
_OF_DESKTOPS = {".DS_Store", ".directory", "Thumbs.db", "desktop.ini"}

# A shard is a unit of work, of resuming and of reading: large enough to be read in one go, small
# enough that little is lost, and many enough for every worker to have some.
_SHARD_BYTES = 64 << 20
_FEWEST_SHARDS, _LEAST_IMAGES = 16, 64
_COMPRESSED = {"png": 0.5, "jpeg": 0.2}  # Typical share of the raw size.

OnCount = Callable[[int], None]
# Writes the shards of some jobs of a plan into a folder, in any order, says how many images are
# done, and yields the number and the note of each shard. All runners call `shards.write`.
Runner = Callable[[Plan, Path, Iterable[Job], OnCount], Iterator[tuple[int, Written]]]


def on_this_machine(processes: int) -> Runner:
    """The runner that needs nothing: so many processes of this machine."""
    return lambda plan, dest, jobs, on_count: workers.run(
        shards.write, (plan, dest), jobs, processes, on_count
    )


def order(
    entries: list[Entry], source: Source, seed: int, shuffle: bool, count: int | None
) -> list[Entry]:
    """Returns the entries in stored order: shuffled if asked for, and at most `count` of them."""
    if shuffle and source.shuffles:
        random = np.random.Generator(np.random.Philox(seed))
        entries = [entries[place] for place in random.permutation(len(entries))]
    return entries[:count]


def split(
    entries: list[Entry],
    shards_wanted: int | None,
    rules: pixels.Rules,
    encoding: str,
    streamed: bool = False,
) -> list[list[Entry]]:
    """Returns the entries of each shard, as even as can be.

    Args:
      entries: of a source, in stored order.
      shards_wanted: how many there are to be; None leaves it to what goes into them.
      rules, encoding: of the dataset.
      streamed: whether the images of a shard are put down first, and so must not be too much.
    """
    raw = rules.resolution**2 * pixels.CHANNELS[rules.channels]
    by_size = math.ceil(len(entries) * raw * _COMPRESSED[encoding] / _SHARD_BYTES)
    by_count = min(_FEWEST_SHARDS, math.ceil(len(entries) / _LEAST_IMAGES))
    put_down = math.ceil(sum(entry.bytes for entry in entries) / staging.PART_BYTES)
    by_source = put_down if streamed else 0
    number = min(shards_wanted or max(by_size, by_count, by_source), len(entries))
    ends = [len(entries) * index // number for index in range(number + 1)]
    return [entries[a:b] for a, b in zip(ends, ends[1:])]


def check_place(dest: Path) -> None:
    """Refuses a destination that holds something else than a dataset, finished or begun.

    Raises:
      UserError: it does, or another process is at work there.
    """
    if dest.is_dir():
        names = {path.name for path in dest.iterdir()} - _OF_DESKTOPS
        strange = names and not names & {manifest.FILE_NAME, UNFINISHED}
    else:
        strange = dest.exists()
    if strange:
        raise UserError(f"--dest={dest} exists and is no dataset. Give a new or an empty folder.")
    if _lock_path(dest).exists():
        with _locked(dest):
            pass


def is_finished(dest: Path, request: dict) -> bool:
    """Whether `dest` already holds the dataset of this request.

    Raises:
      UserError: it holds another dataset or part of one, or a shard of it is damaged.
    """
    if (dest / manifest.FILE_NAME).exists():
        _check_same(manifest.open_dataset(dest).request, request, dest, "another dataset")
        if (dest / UNFINISHED).exists():
            with _locked(dest):
                shutil.rmtree(dest / UNFINISHED)
        return True
    if (dest / UNFINISHED / REQUEST).exists():
        begun = files.read_object(dest / UNFINISHED / REQUEST, advice=f"Delete it: rm -r {dest}")
        _check_same(begun, request, dest, "a conversion that was begun with another request")
    return False


def _check_same(begun: dict, request: dict, dest: Path, what: str) -> None:
    names = sorted(set(begun) | set(request))
    changes = [
        f"{name} {begun.get(name)} -> {request.get(name)}"
        for name in names
        if begun.get(name) != request.get(name)
    ]
    if changes:
        raise UserError(
            f"--dest={dest} holds {what} ({', '.join(changes)}).\n"
            f"Give another --dest, or delete it: rm -r {dest}"
        )


def run(
    plan: Plan,
    entries: list[list[Entry]],
    request: dict,
    source: str,
    dest: Path,
    runner: Runner,
    on_count: Callable[[int], None],
    others: Sequence[Other] = (),
) -> manifest.Manifest:
    """Writes what is missing of a dataset and returns its manifest.

    Args:
      plan: what the shards hold.
      entries: those of each shard.
      request: what decides the bytes of the dataset, for comparison.
      source: what was converted, as it was typed.
      dest: the folder of the dataset.
      runner: who writes the shards.
      on_count: receives the images done so far.
      others: what of the source is not looked at, to be named.

    Raises:
      UserError: another run is at work here, the disk is full, or no image could be used.
    """
    try:
        (dest / UNFINISHED).mkdir(parents=True, exist_ok=True)
        with _locked(dest) as alone:
            if (dest / manifest.FILE_NAME).exists():  # by another process, since the first look
                shutil.rmtree(dest / UNFINISHED)
                return manifest.open_dataset(dest)
            for leftover in (dest / UNFINISHED).glob("*.tmp") if alone else ():
                leftover.unlink()
            files.write(dest / UNFINISHED / REQUEST, json.dumps(request, sort_keys=True))
            written = _write_shards(plan, entries, dest, runner, on_count)
            return _finish(plan, entries, request, source, dest, written, others)
    except files.FileError as error:
        raise UserError(f"{str(error).splitlines()[0]}\n{_KEPT}") from error
    except OSError as error:  # Of the destination; what an image raises is a row in rejected.csv.
        reason = error.strerror or error
        raise UserError(f"--dest={dest} cannot be written: {reason}.\n{_KEPT}") from error


_KEPT = "Mend that and run the same command again; shards that are finished are kept."


def _locked(dest: Path) -> AbstractContextManager[bool]:
    what = f"--dest={dest} is being written"
    return folder_lock.hold(_lock_path(dest), what, "Wait for it, or give another --dest.")


def _lock_path(dest: Path) -> Path:
    return dest / UNFINISHED / "lock"


def _write_shards(
    plan: Plan,
    entries: list[list[Entry]],
    dest: Path,
    runner: Runner,
    on_count: Callable[[int], None],
) -> list[Written]:
    found = {index: shards.read_note(plan, index, dest) for index in range(plan.shards)}
    missing = [index for index, note in found.items() if note is None]
    paths = {index: dest / UNFINISHED / f"source-{index}.tmp" for index in missing}
    parts = staging.parts(plan.source, [entries[index] for index in missing], paths.values())
    before = sum(len(entries[index]) for index, note in found.items() if note is not None)
    jobs = map(Job, missing, parts)
    for index, note in runner(plan, dest, jobs, lambda count: on_count(before + count)):
        found[index] = note
        paths[index].unlink(missing_ok=True)
    return [found[index] for index in range(plan.shards)]


def _finish(
    plan: Plan,
    entries: list[list[Entry]],
    request: dict,
    source: str,
    dest: Path,
    written: list[Written],
    others: Sequence[Other],
) -> manifest.Manifest:
    rejected = sorted(row for note in written for row in note.rejected)
    finished = manifest.Manifest(
        folder=dest,
        version=manifest.VERSION,
        count=sum(note.shard.records for note in written),
        resolution=plan.rules.resolution,
        channels=pixels.CHANNELS[plan.rules.channels],
        encoding=plan.encoding,
        crop=plan.rules.crop,
        filter=plan.rules.filter,
        source=source,
        rejected=len(rejected),
        request=request,
        shards=tuple(note.shard for note in written),
        classes=_classes(plan, entries, rejected),
    )
    if not finished.count:
        _give_up(dest, written, rejected)
    files.write(dest / REJECTED, _csv(("path", "reason", "bytes"), rejected))
    files.write(dest / PASSED_OVER, _csv(Other._fields, others))
    if notes := sorted(row for note in written for row in note.notes):
        files.write(dest / NOTES, _csv(("path", "note"), notes))
    if alike := _alike(entries, written):
        files.write(dest / NEAR_DUPLICATES, _csv(("path", "hash", "like"), alike))
    files.write(dest / manifest.FILE_NAME, manifest.to_json(finished))
    shutil.rmtree(dest / UNFINISHED)
    return finished


def _classes(
    plan: Plan, entries: list[list[Entry]], rejected: Sequence[tuple[str, str, int]]
) -> tuple[manifest.Category, ...]:
    """The classes with the images that were kept; entries of one name have one label."""
    labels = {entry.name: entry.label for shard in entries for entry in shard}
    counts = Counter(entry.label for shard in entries for entry in shard)
    counts.subtract(labels[name] for name, _, _ in rejected)
    return tuple(
        manifest.Category(name, counts[number]) for number, name in enumerate(plan.classes)
    )


def _alike(entries: list[list[Entry]], written: list[Written]) -> list[tuple[str, str, str]]:
    """The images that look like others: name, hash, and the first that looks so."""
    names = [entry.name for shard in entries for entry in shard]
    hashes = "".join(note.likenesses for note in written)
    places = range(0, len(hashes), likeness.DIGITS)
    return likeness.groups(names, [hashes[n : n + likeness.DIGITS] for n in places])


def _give_up(dest: Path, written: list[Written], rejected: list) -> None:
    """Removes a dataset without images and says why it has none."""
    for note in written:
        (dest / note.shard.name).unlink()
    shutil.rmtree(dest / UNFINISHED)
    dest.rmdir()
    (why, count), *_ = Counter(reason for _, reason, _ in rejected).most_common(1)
    first = next(name for name, reason, _ in rejected if reason == why)
    raise UserError(
        f"None of the {len(rejected):,} images can be used; {count:,} like {first}: it {why}."
    )


def _csv(head: Sequence[str], rows: Sequence) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()
